"""Which files a change is about, by what it says: words, meaning, and what such changes touched before."""

import math
import operator
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from mads.recall.kinds import Kind, kind_of
from mads.recall.lexical import any_of
from mads.recall.tables import EVERYONE, Reader, fact
from mads.recall.vectors import asked, near
from mads.recall.words import apart, keywords
from mads.store.sqlite import Connection

WAYS = (
    *("best", "total", "subject", "path", "named", "defines", "mentions", "meaning"),
    *("memory", "lately", "habit", "prior", "recent", "company", "test", "told"),
)
"""What is known of a file, each from 0 to 1.

How well its best chunk fits, its best three together, and its best one the first line; how well its path does, and
whether it is named; whether it defines, and how much it mentions, the names that are said; how near its meaning is; how
much like commits changed it, and like ones made lately, and how much each word makes that likely; how often it was
changed, how lately, and how often together with the likeliest; whether it proves or tells of the code.
"""

_CHUNKS, _COMMITS, _WINDOW = 400, 150, 1_500
"""How many chunks, like commits, and last commits are looked at."""

_TRAILER = re.compile(r"^(signed-off-by|co-authored-by|reviewed-by|change-id|cc):.*$", re.IGNORECASE | re.MULTILINE)
_NAME = re.compile(r"[\w./-]+")
_IDENTIFIER = re.compile(r"(?<=`)[A-Za-z_]\w+(?=`)|[A-Za-z_]\w+(?=\(\))|\b_*[A-Za-z]\w*(?:[a-z0-9][A-Z]|_+[A-Za-z])\w*")

START = (2.2, 0.7, 1.7, 1.5, 2.5, 0.7, 1.5, 2.0, 1.5, 1.0, 1.0, 1.7, 1.0, 0.9, 0.0, 0.0)
"""The weights to begin with."""

_WORDS, _NAMES = 64, 12
"""How many words of a message are looked for, and how many names."""

_WHILE = 300
"""After so many commits a like one counts half."""

_TOGETHER = 20
"""How many files a commit may change that says something of which belong together."""

Evidence = dict[str, list[float]]
"""What is known of each file, in the order of `WAYS`."""


def likely(
    db: Connection, message: str, limit: int = 5, reader: Reader = EVERYONE, kinds: Sequence[Kind] = ("code",)
) -> list[str]:
    """Return the files that a change of which `message` is said is most likely to touch, the likeliest first."""
    allowed, bindings = reader.allowed(tenant="''")
    seen = {str(path) for (path,) in db.execute(f"SELECT path FROM files WHERE {allowed}", bindings)}  # noqa: S608
    weighed = weights(db)
    scores = {
        path: sum(map(operator.mul, weighed, known))
        for path, known in evidence(db, message).items()
        if path in seen and kind_of(path) in kinds
    }
    return _most(scores, limit)


def weights(db: Connection) -> Sequence[float]:
    """Return the weights that were learned from the changes of this corpus, or those to begin with."""
    told = fact(db, "weights of ways")
    return msgspec.json.decode(told, type=tuple[float, ...]) if told else START


def evidence(db: Connection, message: str, before: int = 2**62) -> Evidence:
    """Return for each file what is known of it, in the order of `WAYS`, by the commits `before`."""
    said = _TRAILER.sub("", message).strip()
    words = keywords(said, most=_WORDS)
    known = {str(path): kind_of(path) for (path,) in db.execute("SELECT path FROM files WHERE is_done").fetchall()}
    best, total = _by_words(db, words)
    subject, _ = _by_words(db, keywords(said.partition("\n")[0], most=_WORDS))
    defines, mentions = _by_names(db, said)
    memory, lately = _by_memory(db, words, before)
    prior, recent = _by_time(db, before)
    path, named = _by_path(known, words, said)
    rough = {
        file: sum(part.get(file, 0.0) for part in (best, subject, memory, path, mentions)) + 2 * named.get(file, 0.0)
        for file in {*best, *subject, *memory, *path, *named, *mentions} & known.keys()
    }
    parts = (
        *(best, total, subject, path, named, defines, mentions, _by_meaning(db, said)),
        *(memory, lately, _by_habit(db, words, before), prior, recent),
        _by_company(db, _most(rough, 4), rough, before),
    )
    return {
        file: [*(part.get(file, 0.0) for part in parts), float(kind == "test"), float(kind not in {"test", "code"})]
        for file, kind in known.items()
    }


def _by_words(db: Connection, words: Sequence[str]) -> tuple[dict[str, float], dict[str, float]]:
    """Return how well the best chunk of each file fits, and its best three together."""
    found = (
        db.execute(
            "SELECT path, score FROM (SELECT rowid AS chunk, -bm25(words, 8, 4, 1) AS score FROM words"
            " WHERE words MATCH ? ORDER BY score DESC LIMIT ?) JOIN chunks ON id = chunk ORDER BY score DESC",
            (any_of(words), _CHUNKS),
        ).fetchall()
        if words
        else []
    )
    scores: dict[str, list[float]] = defaultdict(list)
    for path, score in found:
        scores[path].append(score)
    best = {path: many[0] for path, many in scores.items()}
    return _scaled(best), _scaled({path: sum(many[:3]) for path, many in scores.items()})


def _by_names(db: Connection, said: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return how many of the names that are said each file defines, and mentions, the rarer counting more."""
    [(files,)] = db.execute("SELECT count(*) FROM files").fetchall()
    defines: dict[str, float] = defaultdict(float)
    mentions: dict[str, float] = defaultdict(float)
    for name in list(dict.fromkeys(_IDENTIFIER.findall(said)))[:_NAMES]:
        found = db.execute(
            "SELECT path, count(*), max(symbol = ?1 OR substr(symbol, -length(?1) - 1) = '.' || ?1) FROM"
            " (SELECT rowid AS chunk FROM words WHERE words MATCH ?2 LIMIT ?3) JOIN chunks ON id = chunk GROUP BY path",
            (name, f'text: "{apart(name)}"', 2 * _CHUNKS),
        ).fetchall()
        rarity = math.log(1 + files / max(1, len(found)))
        defining = sum(is_defined for *_, is_defined in found)
        for path, count, is_defined in found:
            mentions[path] += rarity * math.log1p(count)
            defines[path] += rarity * is_defined / max(1, defining)
    return _scaled(defines), _scaled(mentions)


def _by_meaning(db: Connection, said: str) -> dict[str, float]:
    """Return how near the nearest chunk of each file is to what is said, from 0 for the farthest of them to 1."""
    meant = asked(db, said)()
    found = near(db, meant, EVERYONE) if meant else {}
    if not found:
        return {}
    among = ", ".join(map(str, found))
    nearest: dict[str, float] = defaultdict(float)
    for id_, path in db.execute(f"SELECT id, path FROM chunks WHERE id IN ({among})"):  # noqa: S608  they are numbers
        nearest[path] = max(nearest[path], found[id_])
    low, high = min(nearest.values()), max(nearest.values())
    return {path: (cosine - low) / (high - low or 1.0) for path, cosine in nearest.items()}


def _by_memory(db: Connection, words: Sequence[str], before: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return how much commits of like messages changed each file, and how much those of them that were made lately."""
    like = (
        db.execute(
            "SELECT rowid, -rank FROM messages WHERE messages MATCH ? AND rowid < ? ORDER BY rank LIMIT ?",
            (any_of(words), before, _COMMITS),
        ).fetchall()
        if words
        else []
    )
    last = max((id_ for id_, _ in like), default=0)
    memory: dict[str, float] = defaultdict(float)
    lately: dict[str, float] = defaultdict(float)
    for id_, score in like:
        changed = _changed(db, id_)
        for path in changed:
            weight = (score / like[0][1]) ** 2 / math.log2(2 + len(changed))
            memory[path] += weight
            lately[path] += weight * 0.5 ** ((last - id_) / _WHILE)
    return _scaled(memory), _scaled(lately)


def _by_habit(db: Connection, words: Sequence[str], before: int) -> dict[str, float]:
    """Return how much likelier each word makes a change of each file, by the last commits that say it."""
    habit: dict[str, float] = defaultdict(float)
    for word in words[:_NAMES]:
        said = db.execute(
            "SELECT path, count(*), (SELECT count(*) FROM messages WHERE messages MATCH ?1 AND rowid < ?2) FROM changes"
            " WHERE made_by IN (SELECT rowid FROM messages WHERE messages MATCH ?1 AND rowid < ?2"
            " ORDER BY rowid DESC LIMIT ?3) GROUP BY path",
            (f'"{word}"', before, _COMMITS),
        ).fetchall()
        for path, count, commits in said:
            habit[path] += count / (min(commits, _COMMITS) + 3) / math.log2(4 + commits)
    return _scaled(habit)


def _by_time(db: Connection, before: int) -> tuple[dict[str, float], dict[str, float]]:
    """Return how often each file was changed in the last commits, and how lately."""
    last = min(before, 1 + (db.execute("SELECT max(id) FROM commits").fetchall()[0][0] or 0))
    often: dict[str, float] = defaultdict(float)
    lately: dict[str, float] = defaultdict(float)
    for path, id_ in db.execute(
        "SELECT path, made_by FROM changes WHERE made_by < ? AND made_by > ?", (last, last - _WINDOW)
    ):
        often[path] += 0.5 ** ((last - id_) / 400)
        lately[path] = max(lately[path], 0.5 ** ((last - id_) / 10))
    return _scaled({path: math.log1p(count) for path, count in often.items()}), lately


def _by_path(known: Iterable[str], words: Sequence[str], said: str) -> tuple[dict[str, float], dict[str, float]]:
    """Return how many of the words stand in each path, the rarer counting more, and which files are named outright."""
    parts = {path: {_stem(part) for part in keywords(path, most=_WORDS)} for path in known}
    stems = {_stem(word) for word in words}
    holding = {stem: sum(stem in part for part in parts.values()) for stem in stems}
    rarity = {stem: math.log(1 + len(parts) / count) for stem, count in holding.items() if count}
    overlap = {
        path: sum(rarity[stem] for stem in stems & part) / math.sqrt(1 + len(part)) for path, part in parts.items()
    }
    names = {name.rpartition("/")[2].lower() for name in _NAME.findall(said) if "." in name or "_" in name}
    named = {path: 1.0 for path in parts if path.rpartition("/")[2].lower() in names}
    return _scaled({path: score for path, score in overlap.items() if score}), named


def _by_company(db: Connection, likely: Sequence[str], scores: Mapping[str, float], before: int) -> dict[str, float]:
    """Return how often each file was changed together with the likeliest ones."""
    company: dict[str, float] = defaultdict(float)
    for path in likely:
        made = db.execute(
            "SELECT made_by FROM changes WHERE path = ? AND made_by < ? ORDER BY made_by DESC LIMIT 100", (path, before)
        ).fetchall()
        for (id_,) in made:
            changed = _changed(db, id_)
            for other in changed if len(changed) <= _TOGETHER else ():
                if other != path:
                    company[other] += scores[path] / (len(made) + 2)
    return _scaled(company)


def _changed(db: Connection, commit: int) -> list[str]:
    return [str(path) for (path,) in db.execute("SELECT path FROM changes WHERE made_by = ?", (commit,)).fetchall()]


def _scaled(scores: Mapping[str, float]) -> dict[str, float]:
    """Return `scores` as shares of the highest."""
    highest = max(scores.values(), default=0.0) or 1.0
    return {path: score / highest for path, score in scores.items()}


def _most(scores: Mapping[str, float], count: int) -> list[str]:
    return sorted(scores, key=lambda path: (-scores[path], path))[:count]


def _stem(word: str) -> str:
    """Return what several forms of a word have in common, roughly."""
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            return word.removesuffix(ending)
    return word
