"""A page's bytes to an article: decode, guard, extract, drop what is not the article, gather the facts.

The parts, in the order of the data: `sniff`, `decode`, `guard`; `page_layout` with its `block_kinds` and
`main_content`, or `linear` or `plain`; `head` and `jsonld`; `boilerplate` with `text_line`, `evidence` and `phrases`;
`choice` with `html` (trafilatura) and `script_text`, where the text is poor; `titles`, `dates` with `date_search`,
`facts` with `author_names` and `bylines`, `rights`; `article` puts them together, and `reasons` names every way in
which a page gives no article.
"""

from pipelines.clean.article import clean, content_digest
from pipelines.clean.reasons import MEANING, CleanReason

__all__ = ["MEANING", "CleanReason", "clean", "content_digest"]
