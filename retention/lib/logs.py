"""Log lines for a terminal, or JSON for a machine."""

from __future__ import annotations

import structlog

SHARED: list[structlog.typing.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# Without this, structlog prints by itself, past level and format of `logging`.
structlog.configure(
    processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)


def formatter(style: str) -> structlog.stdlib.ProcessorFormatter:
    """A formatter for `logging`; `style` is `text` or `json`."""
    last: list[structlog.typing.Processor] = [structlog.processors.format_exc_info]
    if style == "json":
        last.append(structlog.processors.JSONRenderer())
    else:
        # Plain: the richer tracebacks print local variables, and with them customers.
        plain = structlog.dev.plain_traceback
        last = [structlog.dev.ConsoleRenderer(colors=False, exception_formatter=plain)]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )
