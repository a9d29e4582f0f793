"""Sentences of PDF files that are uploaded as manuals, and of the encoders that search them."""

from core.i18n import N_

MANUAL_FILE_MESSAGES: dict[str, str] = {
    "pdf_not_a_pdf": N_("{name} is not a PDF. Save the manual as PDF and add it again."),
    "pdf_encrypted": N_("{name} is protected by a password. Save it without protection and add it again."),
    "pdf_damaged": N_("{name} is damaged or cut off. Copy the file again, or save it anew as PDF."),
    "pdf_too_many_pages": N_("{name} has {pages} pages; {limit} are taken in at most. Split it into several files."),
    "pdf_too_large": N_("{name} is larger than {limit_mb} MB. Split it into several files."),
    "pdf_without_text": N_(
        "{name} has no text: its pages are pictures, as from a scanner. Run text recognition (OCR) on it and add it again."
    ),
    "ocr_failed": N_("Text recognition ({engine}) failed on a page of {name}. The page stays without text."),
    "ocr_timeout": N_(
        "Text recognition took longer than {limit_s} seconds on a page of {name}. The page stays without text."
    ),
    "pdf_timeout": N_(
        "{name} could not be read within {limit_s} seconds. Save it anew as PDF, or split it into several files."
    ),
    "pdf_out_of_memory": N_(
        "{name} needs more than {limit_mb} MB of memory to be read. Save it anew as PDF, or split it into several files."
    ),
    "pdf_page_missing": N_("{name} has no page {page}. Choose another page."),
    # sentence encoders
    "encoder_folder_missing": N_('There is no folder "{folder}" with a sentence encoder. Check the path.'),
    "encoder_package_missing": N_('The package "{package}" is not installed. Install it with pip.'),
    "encoder_unreadable": N_(
        '"{folder}" is not a sentence encoder that can be read ({detail}). Choose a sentence-transformers folder with '
        "safetensors weights."
    ),
    "encoder_unsafe_files": N_(
        '"{folder}" holds files that can run code ({files}). Remove them and keep the safetensors weights.'
    ),
    "index_encoder_mismatch": N_(
        "The manual index was built with another sentence encoder ({found} instead of {expected}). Deploy it again."
    ),
}
