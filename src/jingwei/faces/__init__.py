"""The faces: terminal, API, console, gateway. Each parses, calls one service and renders; none holds a rule."""
