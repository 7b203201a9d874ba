"""Parquet files with a fixed schema, written row group by row group, and their card."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from surveyor.core.errors import UserError
from surveyor.training.extras import need

_GROUP = 256


def write_parquet(
    path: Path, rows: Iterable[dict[str, Any]], columns: Sequence[str], *, parts: bool
) -> int:
    """Write rows as they come and return how many there were; memory holds one group."""
    pa, parquet = need("pyarrow"), need("pyarrow.parquet")
    schema = pa.schema([(name, _kind(pa, name, parts)) for name in columns])
    schema = schema.with_metadata({"huggingface": json.dumps(_features(columns, parts))})
    count = 0
    group: list[dict[str, Any]] = []
    with parquet.ParquetWriter(path, schema, compression="zstd") as writer:
        for row in rows:
            group.append(row)
            count += 1
            if len(group) == _GROUP:
                writer.write_table(pa.Table.from_pylist(group, schema))
                group = []
        if group:
            writer.write_table(pa.Table.from_pylist(group, schema))
    return count


def table_of(folder: Path, what: str, verb: str) -> Path:
    """The file of a folder's rows; `UserError` where there is none, or none in it."""
    file = folder / "data.parquet"
    if not file.exists():
        raise UserError(
            f"{folder} holds no {what} ({file.name} is missing); make them with "
            f"`surveyor export {verb}`"
        )
    if not need("pyarrow.parquet").ParquetFile(file).metadata.num_rows:
        raise UserError(f"{folder} holds no {what}; export again with looser filters, or run more")
    return file


MESSAGES = ("messages", "prompt", "chosen", "rejected")
"""Columns that hold conversations."""


def _kind(pa: Any, name: str, parts: bool) -> Any:
    text = pa.string()
    if name in MESSAGES:
        part = pa.struct([("type", text), ("text", text)])
        function = pa.struct([("name", text), ("arguments", text)])
        call = pa.struct([("id", text), ("type", text), ("function", function)])
        return pa.list_(
            pa.struct(
                [
                    ("role", text),
                    ("content", pa.list_(part) if parts else text),
                    ("tool_calls", pa.list_(call)),
                    ("tool_call_id", text),
                    ("name", text),
                ]
            )
        )
    if name == "images":
        return pa.list_(pa.struct([("bytes", pa.binary()), ("path", text)]))
    kinds = {"score": pa.float64(), "epoch": pa.int64(), "group": pa.int64(), "cost": pa.float64()}
    return kinds.get(name, text)


def _features(columns: Sequence[str], parts: bool) -> dict[str, Any]:
    """What `datasets` needs to know: which column is pictures. The rest it reads off the schema."""
    if "images" not in columns:
        return {}
    value = {"dtype": "string", "_type": "Value"}
    function = {"name": value, "arguments": value}
    content: Any = {"feature": {"type": value, "text": value}, "_type": "List"}
    message = {
        "role": value,
        "content": content if parts else value,
        "tool_calls": {
            "feature": {"id": value, "type": value, "function": function},
            "_type": "List",
        },
        "tool_call_id": value,
        "name": value,
    }
    kinds = {"score": "float64", "epoch": "int64", "group": "int64", "cost": "float64"}
    features: dict[str, Any] = {}
    for name in columns:
        if name in MESSAGES:
            features[name] = {"feature": message, "_type": "List"}
        elif name == "images":
            features[name] = {"feature": {"_type": "Image"}, "_type": "List"}
        else:
            features[name] = {"dtype": kinds.get(name, "string"), "_type": "Value"}
    return {"info": {"features": features}}


def card(name: str, count: int, kind: str, sources: Sequence[str]) -> str:
    """The README of a data set."""
    size = "n<1K" if count < 1000 else "1K<n<10K" if count < 10_000 else "10K<n<100K"
    runs = "\n".join(f"- {source}" for source in sources)
    return (
        f"---\npretty_name: {name}\ntask_categories: [visual-question-answering]\n"
        f"tags: [agents, tool-use, spatial-reasoning]\nsize_categories: [{size}]\n"
        "configs:\n- config_name: default\n  data_files: data.parquet\n---\n\n"
        f"# {name}\n\n{count} rows for {kind}, made by `surveyor export` from:\n\n{runs}\n\n"
        "`messages` are conversations with tool calls; `tools` is the JSON text of the tool "
        "schemas, `arguments` the JSON text of a call's arguments. Pictures stand in `images` in "
        "the order of their places in the messages. Episodes of embedded rooms were answered by "
        "reference experts, which know the truth: an upper bound, not a neural result.\n"
    )
