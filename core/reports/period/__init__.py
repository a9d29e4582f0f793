"""The report of a shift, a day, a week or a lot: gathered once, then put on paper or into a workbook."""
