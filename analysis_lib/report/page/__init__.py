"""What a page holds beside its charts: numbers in the prose, tables, prompts as tokens, questions with pictures."""
