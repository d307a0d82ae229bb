"""Credits and packs of them: granting, selling and taking back."""
