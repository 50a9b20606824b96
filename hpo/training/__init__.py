"""Training and predicting with torch, transformers and PEFT: the only room of the package that knows them."""
