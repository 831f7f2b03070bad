"""One module per step; the first word of its docstring is `pre` or `post`.

pre: run before the new code starts, the old code can live with it. post: run after the old code is gone.
"""
