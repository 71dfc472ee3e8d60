"""Letters in several languages: the language is found first, and chooses who answers and how.

Instructions in English make models answer in English. Here the first step finds the language (a type with the
languages you serve, and "other"), the second has instructions and texts of its own for each of them, and what nobody
serves goes to a person instead of being answered badly. The offline model tells the languages; it cannot write in
them, so it quotes the house's own texts.

Needs: victor-core
Run: python docs/examples/agents/intermediate/many_languages.py
Prints:
    en: When do you open on Saturdays?
        On Saturdays we open at ten and close at two.
    de: Wann ist das Geschäft am Samstag geöffnet?
        Das Geschäft ist am Samstag von zehn bis zwei Uhr geöffnet.
    fr: Le magasin est-il ouvert le samedi ?
        Le magasin est ouvert le samedi de dix à quatorze heures.
    other: Il negozio è aperto il sabato, e fino a che ora?
        (a person will answer)
"""

from __future__ import annotations

from typing import Literal

from attrs import frozen

from victor.core import Agent

LETTERS = [
    "When do you open on Saturdays?",
    "Wann ist das Geschäft am Samstag geöffnet?",
    "Le magasin est-il ouvert le samedi ?",
    "Il negozio è aperto il sabato, e fino a che ora?",
]
TEXTS = {
    "en": "On Saturdays we open at ten and close at two. On Sundays we are closed.",
    "de": "Das Geschäft ist am Samstag von zehn bis zwei Uhr geöffnet. Am Sonntag ist es geschlossen.",
    "fr": "Le magasin est ouvert le samedi de dix à quatorze heures. Le dimanche, il est fermé.",
}
INSTRUCTIONS = {
    "en": "Answer in English, from the text alone.",
    "de": "Antworte auf Deutsch, nur aus dem Text.",
    "fr": "Réponds en français, à partir du texte.",
}


@frozen
class Letter:
    """What is known of a letter."""

    language: Literal["en", "de", "fr", "other"]


if __name__ == "__main__":
    sorter = Agent("Say in which language a letter is written.", output_type=Letter)
    clerks = {language: Agent(text, name=f"clerk-{language}") for language, text in INSTRUCTIONS.items()}
    for letter in LETTERS:
        language = sorter.run_sync(letter).output.language
        clerk = clerks.get(language)
        answer = clerk.run_sync(f"{letter}\n\n{TEXTS[language]}").output if clerk else "(a person will answer)"
        print(f"{language}: {letter}\n    {answer}")
