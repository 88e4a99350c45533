"""How soon a listed word is flagged while its speaker goes on."""
