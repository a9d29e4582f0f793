"""Sentences of period reports and their schedules."""

from core.i18n import N_

REPORT_MESSAGES: dict[str, str] = {
    "report_without_shifts": N_(
        "The plant has no shifts yet, so there is no shift report. Set the shifts in the plant calendar first."
    ),
    "report_shift_unknown": N_('There is no shift "{name}". There are: {choices}.'),
    "report_period_unknown": N_('"{kind}" is no period of a report. There are: {choices}.'),
    "report_product_invalid": N_('"{product}" is no number of a product.'),
    "report_day_invalid": N_('"{day}" is no day. Write it as 2026-11-26.'),
    "report_day_ahead": N_("{day} has not begun yet. Choose an earlier day."),
    "report_lot_missing": N_("Name the lot that the report is to be about."),
    "report_lot_unknown": N_('No part of lot "{lot}" was inspected. Check its number, the product and the line.'),
    "report_language": N_("A report is written in one of these languages: {choices}."),
    "report_formats": N_("Choose at least one format: PDF, Excel, or both."),
    "report_keep_days": N_("Reports are kept from 1 to {highest} days, or for ever."),
    "report_schedule_unnamed": N_("Give the schedule a name."),
    "report_schedule_name_long": N_(
        "The name of a schedule has at most {highest} characters, all of which can be seen."
    ),
    "report_schedule_known": N_('There is a schedule "{name}" already. Choose another name.'),
    "report_schedule_kind": N_('A schedule makes reports of shifts, days or weeks, and not of "{kind}".'),
    "report_delay": N_("A shift report is made from 0 to {highest} minutes after the end of the shift."),
    "report_weekday": N_("Choose a day of the week."),
    "report_already_waiting": N_("This report is being made already."),
    "report_job_ended": N_("The job that was to make the report was canceled or ended before it was done."),
    "report_file_gone": N_(
        "{name} is no longer where it was put, or has been changed since. Make the report again to get a new one."
    ),
    "report_folder_relative": N_('"{path}" does not begin at the root. Give the full path of the folder.'),
    "report_folder_missing": N_('There is no folder "{path}" on the server. Create it, or check the path.'),
    "report_folder_long": N_("The path of the folder is too long. Use at most {highest} characters."),
    "report_folder_own": N_(
        "{path} cannot take reports: it is the whole disk, or Geomsa keeps its own files there. Choose another folder."
    ),
    "report_folder_outside": N_("{path} is not below the folders that reports may go to on this server: {roots}."),
    "report_folder_watched": N_(
        "{path} lies in the watched folder {other}, where a report would be taken for an image. Choose another folder."
    ),
    "report_folder_read_only": N_("Geomsa may not write to {path}. Give it the right to write there."),
    "report_folder_full": N_("The disk of {path} is full, so no report was written there. Free some space."),
    "report_folder_gone": N_(
        "The folder {path} cannot be reached. The report is made when it is back; check the disk or the network."
    ),
    "report_folder_failed": N_("Writing to {path} failed ({reason}). Check the disk or the network."),
    "report_is_empty": N_("Nothing was inspected in this period; the report says so."),
    "report_argument_of": N_("{argument} belongs to --period {period}."),
    "report_lot_without_date": N_("A lot has its own days: leave --date out."),
    "report_file_ending": N_("{path} is neither a folder nor a name that ends in .pdf or .xlsx."),
    "report_not_written": N_("{path} could not be written. Check the folder and the right to write there."),
    "check_reports": N_("{count} report schedules, and the last report of each was made."),
    "check_reports_none": N_("No report is made on a schedule."),
    "check_reports_failed": N_('The schedule "{name}" has not made its last report: {reason}'),
}
