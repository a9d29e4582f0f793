"""Sentences of jobs, models and inspection; those that begin with `log_` are lines of a job's log."""

from core.i18n import N_

DEPLOYMENT_MESSAGES: dict[str, str] = {
    "image_object_missing": N_(
        "The file of {name} is missing from the object store. Delete the image, or upload it again."
    ),
    "map_invalid": N_("The heat map of this inspection is not readable. Inspect the part again."),
    # Jobs
    "job_kind_unknown": N_('There is no deployment called "{kind}".'),
    "job_without_products": N_("Choose at least one product to deploy."),
    "nothing_to_deploy": N_("Everything is up to date, or waits to be built already."),
    "job_already_waiting": N_("A deployment of these products is already waiting or running: {products}."),
    "job_already_over": N_("This deployment has already ended."),
    "job_worker_lost": N_("The worker stopped answering, time after time. The active model was not touched."),
    "job_killed": N_(
        "The system ended the deployment, most likely because memory ran out. The active model was not touched; "
        "close other programs, or deploy fewer products at once."
    ),
    "job_crashed": N_("The deployment ended unexpectedly (status {status}). The active model was not touched."),
    # Before and during a build
    "memory_too_small": N_(
        "The build needs about {needed} GiB of memory, and {free} GiB is free. Close other programs, or choose a smaller network or input size under Models."
    ),
    "memory_limit_too_low": N_(
        "The build needs about {needed} GiB of memory, and this process may use {limit} GiB in all. Raise the container's memory limit, lower GEOMSA_MEMORY_BUDGET_GIB, or choose a smaller network under Models."
    ),
    "disk_too_small": N_(
        "The build needs about {needed} GiB of free disk space, and {folder} has {free} GiB. Delete what is not needed there, or keep fewer versions."
    ),
    "no_normal_images": N_(
        "{product} has no normal images for training. Register at least one; 50 or more are better."
    ),
    "no_training_images": N_("{product} has no images for training. Register normal or defect images first."),
    "no_usable_images": N_("None of the images could be used to build the model. Check the images of the product."),
    "no_test_images": N_('{product} has no test images. Register some with the split "test" to measure the model.'),
    "product_inactive": N_("{product} was deactivated. Activate it again to deploy it."),
    "product_not_in_use": N_(
        "{product} was deactivated and is not inspected any more. A quality engineer can activate it again."
    ),
    "version_already_active": N_("This version is already active."),
    "version_not_kept": N_(
        "Version {number} is no longer kept: its files are gone. Choose another one, or deploy again."
    ),
    "version_not_in_use": N_("Version {number} is not in use, so there is nothing to go back from."),
    "version_without_previous": N_("No version before {number} is kept: there is nothing to go back to."),
    "versions_not_comparable": N_("Choose two different versions of the same product and the same kind to compare."),
    "review_share_invalid": N_("The share of good parts in review must be between {lowest} and {highest} %."),
    "kept_versions_invalid": N_("Keep between {lowest} and {highest} versions."),
    "thresholds_missing": N_("This model version has no thresholds. Deploy the product again."),
    # Inspection
    "no_active_memory_bank": N_("{product} has no active model yet. Build its memory bank first."),
    "inspection_detail_too_long": N_('"{field}" may have {limit} characters at most.'),
    "verdict_unknown": N_("Choose OK, Review or NG."),
    "override_needs_reason": N_("Say why you change the verdict."),
    "action_status_unknown": N_("Choose whether the action is done or stays open."),
    "action_not_needed": N_("A part that is OK needs no corrective action."),
    "checklist_step_invalid": N_("This step cannot be ticked. Find the steps again."),
    "note_too_long": N_("A note may have {limit} characters at most."),
    # Files named on the command line
    "path_not_found": N_("{path} does not exist. Check the name."),
    "path_is_folder": N_("{name} is a folder. Name image files, or import the folder first."),
    "path_unreadable": N_("{name} cannot be read. Check its permissions."),
    "user_unknown": N_('There is no account "{login}".'),
    "passwords_differ": N_("The two passwords differ. Nothing was changed; try again."),
    # Preprocessing and calibration
    "preprocessing_invalid": N_('The preprocessing option "{field}" cannot be {value}.'),
    "preprocessing_tile_shape": N_(
        "Tiles of {width_px} × {height_px} px cannot be used. The longer side has at least 128 px and at most 16 times the shorter one."
    ),
    "preprocessing_unknown": N_('There is no preprocessing option "{field}".'),
    "preprocessing_nothing_left": N_("The ignored areas cover the whole region of interest. Leave a part of it free."),
    "scores_invalid": N_("The scores must be finite and not negative. Deploy the product again."),
    "calibration_invalid": N_("A calibration option is outside its range. Check the settings of the product."),
    # Models
    "backbone_unknown": N_('There is no backbone called "{name}".'),
    "backbone_weights_missing": N_('The weights of "{name}" are not here. Add the file on the models screen.'),
    "backbone_weights_mismatch": N_('The weights file does not belong to "{name}". Choose the right file.'),
    "backbone_weights_changed": N_(
        'The weights of "{name}" are not those that the model was built with. Deploy again.'
    ),
    "config_invalid": N_('The model setting "{field}" cannot be {value}.'),
    "device_unavailable": N_(
        'The device "{device}" is not available on this machine. Set GEOMSA_DEVICE to auto or cpu.'
    ),
    "device_failed": N_('The device "{device}" failed. Try again; if it fails again, set GEOMSA_DEVICE to cpu.'),
    "golden_mismatch": N_(
        "The runtime {runtime} computes another score ({found}) than the one the model was built with ({expected}), "
        "or another heat map. The model was not activated."
    ),
    "index_dimension_mismatch": N_(
        "The index was made with another embedding model. Build the similarity index again."
    ),
    "index_of_other_embedder": N_(
        'The similarity index was made with other weights of "{name}" than those that are here. '
        "Build the similarity index again."
    ),
    "index_duplicate_ids": N_("The index would hold an image twice. Build the similarity index again."),
    "index_vectors_invalid": N_("The embeddings of some images are not valid. Check the images of the product."),
    "artifact_not_a_bundle": N_("The model's files are not readable. Deploy the product again."),
    "artifact_missing_file": N_('The model lacks its file "{file}". Deploy again, or activate another version.'),
    "artifact_damaged": N_('The model\'s file "{file}" is damaged. Deploy again, or activate another version.'),
    "artifact_newer_format": N_(
        "The model was made by a newer version of Geomsa. Start that version, or deploy again."
    ),
    "artifact_wrong_kind": N_("The stored model is of another kind. Deploy the product again."),
    # Lines of a job's log
    "log_build_started": N_("{product}: building from {n_normal} normal and {n_defect} defect images"),
    "log_from_inspections": N_("{product}: {count} of {n_new} new images came from inspections"),
    "log_index_started": N_("{product}: embedding {n_images} images ({part})"),
    "log_set_apart": N_("{product}: {n_images} normal images do not look like the others and were set apart: {names}."),
    "log_input_chosen": N_("{product}: {reason}"),
    "log_input_time": N_("{product}: comparing ways of looking at the images took {seconds} s"),
    "log_bank_extended": N_(
        "{product}: the memory bank of version {number} was extended (images added: {n_images}); the others were not computed again"
    ),
    "log_bank_not_extended": N_(
        "{product}: the memory bank of version {number} cannot be extended ({reason}), so all images are computed again"
    ),
    "log_bank_set_otherwise": N_(
        "{product}: version {number} was built with other settings or weights, so all images are computed again"
    ),
    "log_bank_lit_otherwise": N_(
        "{product}: the light of the images varies otherwise now than for version {number}, so all images are computed again"
    ),
    "log_bank_too_wide": N_(
        "{product}: the new images are too unlike those of version {number} to extend its memory bank, so all images are computed again"
    ),
    "log_image_skipped": N_("{product}: {name} was skipped ({reason})"),
    "log_split_leak": N_(
        "{product}: parts with training and test images both: {n_parts} ({n_images} images: {names}); what is measured on the test images is too good to be true"
    ),
    "log_calibrated": N_("{product}: thresholds {review_at} and {reject_at} by {method}"),
    "log_images_changed": N_("Images changed: {count}. Left as they were, because somebody changed them: {skipped}."),
    "log_measured": N_("{product}: AUROC {image_auroc} on {n_test} test images"),
    "log_activated": N_("{product}: version {number} is active"),
    "log_candidate_by_hand": N_("{product}: version {number} waits for a person to put it into use"),
    "log_active_measured": N_(
        "{product}: the test images have changed, so version {number} in use was measured again on the same {n_test} images"
    ),
    "log_active_unreadable": N_("{product}: version {number} in use cannot be opened, so nothing is compared with it"),
    "log_regions_stale": N_(
        "{product}: the index of defective places was made with another memory bank than version {number}; build the similarity index again"
    ),
    "log_version_expired": N_("{product}: version {number} is no longer kept"),
    "log_candidate_kept": N_("{product}: version {number} measures worse than the active one and waits as a candidate"),
    "log_candidate_held": N_("{product}: version {number} is not put into use by itself and waits for a person"),
    "log_activated_by_hand": N_(
        "{product}: version {number} is active, as it was asked for in spite of all objections"
    ),
    "log_objection": N_("{product}: against version {number}: {reason}"),
    "log_weak_on_test": N_("{product}: weak on the test images: {reason}"),
    "log_product_failed": N_("{product}: failed ({reason})"),
}
