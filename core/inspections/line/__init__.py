"""What an inspection at the line needs: the codes on the parts, what may be given, the counters of the shift."""
