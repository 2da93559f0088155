"""The `yiwang` command: one verb per line, each module loaded only when its verb is used."""

from __future__ import annotations

import importlib
import sys

import click

COMMANDS = {
    "up": "yiwang.stack.up:command",
    "run": "yiwang.stack.up:run_command",
    "gateway": "yiwang.stack.gateway:command",
    "migrate": "yiwang.stack.up:migrate_command",
    "demo": "yiwang.stack.demo:command",
    "import": "yiwang.stack.importer:command",
    "parked": "yiwang.stack.parked:command",
    "mesh": "yiwang.stack.mesh_status:command",
    "replay": "yiwang.stack.replay:command",
    "resync": "yiwang.stack.resync:command",
    "codes": "yiwang.stack.codes:command",
    "config": "yiwang.stack.announce:command",
    "user": "yiwang.stack.users:command",
    "topology": "yiwang.stack.topology.cli:command",
    "doctor": "yiwang.stack.doctor:command",
    "acceptance": "yiwang.stack.acceptance.command:command",
    "backup": "yiwang.stack.backup:backup_command",
    "restore": "yiwang.stack.backup:restore_command",
    "tenant": "yiwang.stack.tenant.command:command",
    "bundle": "yiwang.stack.bundle:command",
    "new": "yiwang.stack.new:command",
}


class LazyGroup(click.Group):
    """A group whose commands are named here and imported when used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The verbs, in the order of an operator's day."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """The verb's command, or None for an unknown verb."""
        if name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[name].partition(":")
        found = getattr(importlib.import_module(module), attribute)
        assert isinstance(found, click.Command)
        return found


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="yiwang-stack", prog_name="yiwang")
def main() -> None:
    """一网：城市管理“一张网”的运行与运维工具。"""


if __name__ == "__main__":
    sys.exit(main())
