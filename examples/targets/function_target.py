"""The function that function.yaml names: your app's own entry point would stand here."""


def answer(message: str, messages: list[dict[str, str]]) -> str:
    """Answer the last message of a conversation."""
    return f"I can't help with that. (message {len(messages)}, {len(message)} characters)"
