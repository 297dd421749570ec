"""Write words.txt and flaws.txt anew: `python -m tests.golden.bless`. Look at the diff: only added lines are harmless."""

from tests.golden import flaws, vectors


def main() -> None:
    committed = vectors.read(vectors.WORDS.read_text()) if vectors.WORDS.exists() else []
    vectors.WORDS.write_text(vectors.write(vectors.bless(committed)))
    flaws.bless()


if __name__ == "__main__":
    main()
