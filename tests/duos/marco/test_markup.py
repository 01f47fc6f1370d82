"""What a page says becomes Markdown, what is hidden from its reader does not, and no markup holds up the reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mads.duos.marco.markup import address, markdown, visible

COVERS = ("R-109",)

PAGE = """
<html><head><title> A  page </title><base href="/docs/"></head><body>
<nav><ul><li><a href="x.html">X</a></li></ul></nav>
<h1>Hi <em>there</em></h1><p>Some <b>bold</b> text<br>and <a href="../y?q=1#f">link</a>.</p>
<ul><li>one<ul><li>inner</li></ul></li><li><p>two</p></li></ul><ol><li>first</ol>
<pre><code>def f():
    return 1</code></pre>
<table><tr><th>a<th>b</tr><tr><td>1<td>2|3</tr></table><blockquote><p>q1</p><p>q2</p></blockquote>
<a href="javascript:alert(1)">bad</a> <a href="/z"><div>block</div></a> <img src="/i" alt="a picture">
</body></html>"""

TEXT = """- [X](https://e.org/docs/x.html)

# Hi *there*

Some **bold** text
and [link](https://e.org/y?q=1).

- one
  - inner
- two

1. first

```
def f():
    return 1
```

| a | b |
| --- | --- |
| 1 | 2\\|3 |

> q1
>
> q2

bad

block

a picture"""


def test_a_page_becomes_markdown_with_its_title_and_whole_links() -> None:
    page = markdown(PAGE, "https://e.org/a/b")
    assert page.text == TEXT
    assert page.title == "A page"
    assert page.links == {"https://e.org/docs/x.html": "X", "https://e.org/y?q=1": "link", "https://e.org/z": "block"}


@pytest.mark.parametrize(
    "hidden",
    [
        "<span style='display: none'>secret</span>",
        "<span style='VISIBILITY:hidden'>secret</span>",
        "<span style='font-size:0px'>secret</span>",
        "<span style='opacity: 0'>secret</span>",
        "<span style='position:absolute;left:-9999px'>secret</span>",
        "<p hidden>secret</p>",
        "<p aria-hidden=true>secret</p>",
        "<!-- secret -->",
        "<script>secret</script><style>secret</style><template>secret</template>",
        "<noscript>secret</noscript><textarea>secret</textarea><svg><text>secret</text></svg>",
    ],
)
def test_what_a_reader_does_not_see_is_not_there(hidden: str) -> None:
    assert markdown(f"<p>seen</p>{hidden}", "https://e.org").text == "seen"


def test_characters_that_nobody_sees_are_taken_out() -> None:
    assert visible("a\u200bb\u202ec\U000e0041d\u00ade") == "abcde"


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 30_000,
        "<b><i>" * 20_000,
        "<li>" * 20_000,
        "<table><tr><td>" * 60,
        "<a " * 20_000,
        "<!--" * 20_000,
        "<div>" * 300 + "<script>" * 20_000,
        "<p><b>" * 20_000,
        f"<p {' '.join(f'a{it}' for it in range(200_000))}>",
        "<p " + " ".join(f'a{it}=">"' for it in range(200_000)) + ">",
        '<p " ' + "/".join(f"a{it}" for it in range(200_000)) + ">",
        '<a b="' * 100_000,
        "<script>" + "<a b " * 100_000,
    ],
)
def test_no_markup_holds_up_its_reader(markup: str) -> None:
    markdown(f"{markup}end", "https://e.org")  # what is quadratic in these takes minutes


def test_of_what_is_nested_too_deep_the_bare_text_is_left() -> None:
    page = markdown("<div>" * 500 + "one<script>no</script><!-- no --><p>two", "https://e.org")
    assert (page.text, page.is_flat) == ("one\ntwo", True)


def test_of_an_element_with_too_many_attributes_the_bare_text_is_left_and_of_long_values_and_scripts_more() -> None:
    many = " ".join(f"a{it}" for it in range(3000))
    page = markdown(f"<h1 {many}>one</h1><p>two", "https://e.org")
    assert (page.text, page.is_flat) == ("one\ntwo", True)
    page = markdown(f'<h1 title="{many}">one</h1><script>if (i<n {many}) alert()</script><p>two', "https://e.org")
    assert (page.text, page.is_flat) == ("# one\n\ntwo", False)


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "http://[", "mailto:a@b"]
)
def test_a_link_that_leads_to_no_page_is_none(href: str) -> None:
    assert address("https://e.org/", href) == ""


@given(st.text(alphabet="<>/abdiv=\"' \n!-&;table", max_size=300))
def test_any_markup_is_read(markup: str) -> None:
    markdown(markup, "https://e.org")
