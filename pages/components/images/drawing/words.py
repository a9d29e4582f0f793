"""What the editor says, in the run's language: it is drawn in the browser, which has no catalogue."""

from __future__ import annotations

from typing import Any

from pages.components.shared.language import _, language, number


def editor_words(*, place: int, total: int) -> dict[str, Any]:
    """Return the words by the names that the scripts ask for; those in braces are filled in by the browser."""
    return {
        "language": language(),
        "title": _("Draw regions"),
        "place": _("{place} of {total}", place=number(place + 1), total=number(total)),
        "stage": _(
            "The image. Draw with the pointer, or with the keys: arrows move a cross, and Enter acts where it stands."
        ),
        **_names(),
        **_reports(),
        **_questions(),
        "keys": _keys(),
    }


def _names() -> dict[str, str]:
    return {
        "tools": _("Tools"),
        "pick": _("Choose and move"),
        "box": _("Box"),
        "polygon": _("Polygon"),
        "mask": _("Mask"),
        "brush": _("Brush"),
        "eraser": _("Eraser"),
        "hand": _("Move the picture"),
        "undo": _("Undo"),
        "redo": _("Redo"),
        "remove": _("Delete the chosen region or corner"),
        "remove_region": _("Delete region {number}", number="{number}"),
        "zoom_in": _("Enlarge"),
        "zoom_out": _("Make smaller"),
        "zoom_fit": _("Show the whole picture"),
        "save": _("Save"),
        "close": _("Back to the image"),
        "previous": _("Previous image"),
        "next": _("Next image"),
        "finish": _("Close the polygon"),
        "brush_size": _("Brush size"),
        "opacity": _("Opacity of the fill"),
        "show": _("Show the regions"),
        "type": _("Defect type"),
        "type_line": _("{name}, regions: {count}", name="{name}", count="{count}"),
        "no_types": _("This product has no defect type yet. Register one on “Defect types” first."),
        "help": _("Help with drawing"),
        "offer": _("Take the model's regions"),
        "tighten": _("Tighten the box to the outline"),
        "make_mask": _("Turn into a mask"),
        "offers": _("Found by the model"),
        "offer_short": _("model {number}", number="{number}"),
        "offer_line": _("{number}. {type} · score {score}", number="{number}", type="{type}", score="{score}"),
        "accept": _("Accept"),
        "accept_offer": _("Accept the model's region {number}", number="{number}"),
        "accept_all": _("Accept all"),
        "drop": _("Leave out"),
        "drop_offer": _("Leave out the model's region {number}", number="{number}"),
        "drop_all": _("Leave out all"),
        "regions": _("Regions in this image"),
        "no_regions": _("Nothing is marked yet. Choose a type and a tool, and draw on the picture."),
        "own_type": _("The image counts as"),
        "as_largest": _("its largest region: {name}", name="{name}"),
        "type_changes": _("Until now: {before}. When you save: {after}.", before="{before}", after="{after}"),
        "key_list": _("Keys"),
    }


def _reports() -> dict[str, str]:
    return {
        "loading": _("Loading the picture …"),
        "unsaved": _("Not saved yet"),
        "all_saved": _("Everything is saved"),
        "saved": _("Saved."),
        "nothing_changed": _("Nothing has changed since it was saved."),
        "removed": _("Deleted. Undo brings it back."),
        "tightened": _("Drawn in to the outline. Undo brings the box back."),
        "restored": _("What you had drawn here and not saved is back."),
        "too_small": _("That is smaller than one pixel. Draw it larger."),
        "three_corners": _("A polygon has at least three corners."),
        "crosses": _("The outline would cross itself. Put the corners elsewhere."),
        "too_detailed": _("The masks are too ragged to be sent. Draw them with a larger brush, or as polygons."),
        "tighten_needs_box": _("Choose a box first."),
        "no_model": _("This product has no model in use yet: build its memory bank first."),
        "no_picture": _("The picture did not arrive. Go back, and open it once more."),
        "no_answer": _("The server does not answer. What you drew stays here: try again."),
        "busy_save": _("Saving…"),
        "busy_tighten": _("Looking for the outline…"),
        "busy_offer": _("The model looks at the image…"),
        "busy_go": _("Opening the image…"),
        "busy_close": _("Going back…"),
    }


def _questions() -> dict[str, str]:
    return {
        "ask_unsaved": _("What you drew is not saved."),
        "ask_normal": _("This is a normal image. With regions it becomes a defect image. Make it one?"),
        "ask_changed": _("Somebody else changed this image since you opened it. What you drew is still here."),
        "ask_retype": _(
            "The largest region shows “{after}”; until now the image counts as “{before}”.",
            before="{before}",
            after="{after}",
        ),
        "take_type": _("Count it as “{name}”", name="{name}"),
        "keep_type": _("Leave it “{name}”", name="{name}"),
        "stay": _("Go on drawing"),
        "save_and_go": _("Save and go on"),
        "discard": _("Leave without saving"),
        "make_defect": _("Save as a defect image"),
        "load_stored": _("Show what is stored instead"),
        "save_over": _("Save mine in its place"),
    }


def _keys() -> list[list[str]]:
    return [
        ["V R P B E H", _("choose, box, polygon, brush, eraser, move the picture")],
        ["1 – 9", _("defect type")],
        ["Ctrl+Z, Ctrl+Y", _("undo, redo")],
        ["Ctrl+S", _("save")],
        ["J, K", _("next and previous image")],
        ["Enter", _("close the polygon")],
        ["Delete", _("delete the region, or the corner")],
        ["[ , ]", _("smaller, larger brush")],
        ["+ , − , 0", _("enlarge, make smaller, whole picture")],
        [_("Space"), _("hold to move the picture")],
        ["M, T, X", _("model's regions, tighten, turn into a mask")],
        [_("Arrows"), _("move the cross or the region; Shift: by one pixel")],
        ["Esc", _("cancel, or go back")],
    ]
