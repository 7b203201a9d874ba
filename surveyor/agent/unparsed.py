"""What a reply looks like that the server's own parsers got wrong, and the parser to choose."""

from __future__ import annotations

from surveyor.agent.chat.tagged_text import read_blocks

_FORMS = (
    ("<function=", "as XML", "qwen3_coder", "qwen3_coder or qwen3_xml"),
    ("<arg_key>", "as XML", "glm45", "glm45 or glm47"),
    ("[TOOL_CALLS]", "after [TOOL_CALLS]", "mistral", "mistral"),
    ("<|python_tag|>", "after <|python_tag|>", "llama3_json", "llama3_json"),
    ("<|tool_call_begin|>", "between Kimi's marks", "kimi_k2", "kimi_k2"),
    ("<|channel|>", "between gpt-oss's marks", "openai", "openai"),
)

REASONING_CUT = "it was still reasoning when the length limit came, and said nothing"
REASONING_WRONG = (
    "content is empty and reasoning is not, so the server's reasoning parser is wrong: what this "
    "model answers goes into its reasoning; start the server with this model's --reasoning-parser, "
    "or without one"
)
SWALLOWED = "the call went into the reasoning: the server's reasoning parser is wrong"


def unreadable_call(text: str) -> tuple[str, str] | None:
    """What was found and what to do, for a call in a form that only a tool parser reads."""
    for mark, form, parser, parsers in _FORMS:
        if mark in text:
            return (
                f"the call came back {form} inside the text: the server's tool parser is wrong or "
                f"off; this form is that of {parsers}",
                f"start vLLM with --enable-auto-tool-choice --tool-call-parser {parser}; until "
                "then use the tag dialect",
            )
    return None


def readable_call(text: str) -> tuple[str, str] | None:
    """The same for a call that we can read without the server's parser."""
    if not read_blocks(text).calls:
        return None
    return (
        "the call came back inside the text: the server's tool parser did not see it",
        "start vLLM with --enable-auto-tool-choice and this model's --tool-call-parser; until "
        "then each such call is read from the text and recorded as a repair",
    )
