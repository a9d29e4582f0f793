"""How passages are put in order: words that mean the same, what a question asks for, and what each counts."""
