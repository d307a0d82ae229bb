"""Long arguments: races between processes, kills at random moments, a model to agree with."""
