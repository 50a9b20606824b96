def train(x):
    return {"error": x}
