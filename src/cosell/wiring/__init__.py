"""The composer: it knows everybody and decides nothing."""
