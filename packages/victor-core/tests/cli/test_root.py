"""The root of the program: help, versions, unknown commands, errors and exit codes."""

from __future__ import annotations

import errno
import logging
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import pytest

from victor.core import __version__
from victor.core.cli import main

GREETER = """
import sys
from victor.core.hookspecs import hookimpl

@hookimpl
def victor_register_commands(register):
    register("greet", "victor_greeter:greet", help="say hello to somebody")
    register("badly", "victor_greeter:BAD", help="is no command at all")
    register("exits", "victor_greeter:exits")
    register("crash", "victor_greeter:crash")

def greet(name: str = "you"):
    "Say hello."
    print("hello", name)

def exits(how: str):
    "Leave in some way."
    sys.exit({"none": None, "text": "that was it", "seven": 7}[how])

def crash(how: str = "bug"):
    "Fail in some way."
    if how == "interrupt":
        raise KeyboardInterrupt
    if how == "pipe":
        raise BrokenPipeError
    if how == "empty":
        raise RuntimeError
    raise ZeroDivisionError("a secret reason")

BAD = 3
"""


def test_help_lists_what_is_there_by_package(victor, plugin):
    plugin("greeter", GREETER)
    done = victor("--help")
    assert done.code == 0
    assert done.err == ""
    assert "Usage: victor [OPTIONS] COMMAND" in done.out
    core, _, rest = done.out.partition("Commands of victor-greeter:")
    for command in ("chat", "config", "doctor", "models", "new", "plugins", "run", "tools"):
        assert f"\n  {command} " in core
    assert "greet" in rest
    assert "say hello to somebody" in rest
    assert "\x1b" not in done.out


def test_no_arguments_and_the_word_help_do_the_same(victor):
    assert victor().out == victor("help").out == victor("-h").out == victor("--help").out


def test_help_of_a_command_by_the_word_help(victor):
    done = victor("help", "run")
    assert done.code == 0
    assert done.out == victor("run", "--help").out
    assert "Usage: victor run [OPTIONS] [PROMPT]" in done.out
    assert "--install-completion" not in done.out


def test_without_any_plugin_cores_own_commands_are_there(victor, plugin, monkeypatch):
    plugin("greeter", GREETER)
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "")
    done = victor("--help")
    assert done.code == 0
    assert "doctor" in done.out
    assert "greet" not in done.out


def test_versions_of_all_packages(victor, plugin):
    plugin("greeter", GREETER)
    done = victor("--version")
    lines = done.out.splitlines()
    assert done.code == 0
    assert lines[0] == f"victor-core {__version__}"
    assert "victor-greeter 1.2.3" in lines
    assert lines[-1] == "python " + ".".join(map(str, sys.version_info[:3]))


def test_an_unknown_command_is_a_usage_error_with_a_near_match(victor):
    done = victor("modles")
    assert (done.code, done.out) == (2, "")
    assert "unknown command 'modles'; did you mean 'models'?" in done.err
    assert "victor --help" in done.err


def test_a_command_of_a_package_that_is_not_installed_names_the_package(victor):
    done = victor("workflow", "run")
    assert done.code == 2
    assert "pip install victor-graph" in done.err


@pytest.mark.parametrize(
    ("option", "hint"), [("--hepl", "did you mean --help"), ("--zzz", "--zzz (options of a command")]
)
def test_an_unknown_option_is_a_usage_error(victor, option, hint):
    done = victor(option, "run")
    assert done.code == 2
    assert hint in done.err


def test_a_wrong_option_of_a_command_is_a_usage_error(victor):
    done = victor("run", "--modle", "x", "hello")
    assert done.code == 2
    assert "--modle" in done.err


def test_a_plain_function_is_a_command(victor, plugin):
    plugin("greeter", GREETER)
    assert victor("greet", "--name", "Ann").out == "hello Ann\n"


def test_a_target_that_is_no_command_is_reported(victor, plugin):
    plugin("greeter", GREETER)
    done = victor("badly")
    assert done.code == 1
    assert "the command 'badly' is a int; a command is a typer.Typer app or a function" in done.err


@pytest.mark.parametrize(("how", "code", "err"), [("none", 0, ""), ("text", 1, "that was it\n"), ("seven", 7, "")])
def test_exit_codes_of_commands_are_kept(victor, plugin, how, code, err):
    plugin("greeter", GREETER)
    done = victor("exits", how)
    assert (done.code, done.err) == (code, err)


def test_an_error_is_one_paragraph_and_a_traceback_only_on_request(victor, monkeypatch):
    args = ("run", "hello", "-m", "nothing:x")
    done = victor(*args)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("error: unknown model provider 'nothing'")
    assert done.err.count("\n") == 1
    for debugged in (victor("--debug", *args), victor(*args, "--debug")):
        assert debugged.code == 1
        assert "Traceback (most recent call last)" in debugged.err
        assert debugged.err.rstrip().splitlines()[-1] == done.err.rstrip()
    monkeypatch.setenv("VICTOR_DEBUG", "1")
    assert "Traceback" in victor(*args).err


def test_a_bug_is_called_a_bug(victor, plugin):
    plugin("greeter", GREETER)
    done = victor("crash")
    assert done.code == 1
    assert "ZeroDivisionError: a secret reason. This is a bug" in done.err
    assert "Traceback" not in done.err
    assert "--debug" in done.err
    assert victor("crash", "--how", "empty").err.startswith("error: RuntimeError. This is a bug")
    assert "Traceback" in victor("--debug", "crash").err


def test_debug_after_two_dashes_belongs_to_the_command(victor, plugin):
    plugin("greeter", GREETER)
    done = victor("exits", "--", "--debug")
    assert done.code == 1
    assert "KeyError: '--debug'" in done.err
    assert "Traceback" not in done.err


def test_interrupted_is_130(victor, plugin):
    plugin("greeter", GREETER)
    assert victor("crash", "--how", "interrupt").code == 130


def test_verbose_logs_operations_to_stderr(victor, write):
    write("hello.json", '{"version": 1, "answers": ["Hello."]}')
    done = victor("--verbose", "run", "hi", "-m", "scripted:hello.json")
    assert done.out == "Hello.\n"
    assert "agent.run" in done.err
    assert "stop_reason=completed" in done.err
    quiet = victor("run", "hi", "-m", "scripted:hello.json")
    assert quiet.err == ""


def test_a_broken_plugin_is_reported_once_and_harmless(victor, plugin):
    plugin("broken", "raise RuntimeError('no battery')")
    done = victor("--help")
    assert done.code == 0
    assert "run" in done.out
    assert done.err.count("no battery") == 1
    assert done.err.startswith("warning: plugin 'broken' is broken and was skipped: RuntimeError: no battery")
    assert "Traceback" in victor("--debug", "--help").err


def test_a_setting_that_leaves_plugins_out_is_named_where_a_command_is_unknown(victor, monkeypatch):
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core")
    done = victor("nothing")
    assert done.code == 2
    assert done.err.endswith("load_plugins, from environment VICTOR_LOAD_PLUGINS, names core\n")


def test_the_name_of_a_model_alone_is_told_what_it_lacks(victor):
    done = victor("run", "hello", "-m", "gpt-5-mini")
    assert done.err.startswith("error: unknown model provider 'gpt-5-mini'; there are: ")
    assert done.err.endswith("A model is named provider:model, such as openai:gpt-5-mini\n")


def test_a_plugin_that_does_not_exist_is_reported(victor, monkeypatch):
    monkeypatch.setenv("VICTOR_LOAD_PLUGINS", "core,wheather")
    assert "no installed package has a plugin 'wheather'" in victor("--help").err


def test_wrong_settings_stop_what_needs_them_and_nothing_else(victor, write):
    write("victor.toml", "modle = 3")
    done = victor("run", "hello")
    assert (done.code, done.err) == (1, "error: victor.toml:1: unknown setting 'modle'; did you mean 'model'?\n")
    for args in (("--help",), ("plugins",), ("completion", "bash")):
        done = victor(*args)
        assert done.code == 0
        assert done.err.startswith("warning: victor.toml:1: unknown setting 'modle'")


def test_logging_of_the_process_is_as_it_was_afterwards(victor):
    logger = logging.getLogger("victor")
    before = logger.level, logger.propagate, logger.handlers[:]
    victor("--debug", "plugins")
    assert (logger.level, logger.propagate, logger.handlers[:]) == before


def test_color_by_setting(victor, write):
    write("victor.toml", 'color = "always"')
    assert "\x1b[1m" in victor("--help").out
    write("victor.toml", 'color = "never"  # again')
    assert "\x1b" not in victor("--help").out


# ---- the real program


def test_the_console_script(real_victor):
    done = real_victor("--version")
    assert done.code == 0
    assert done.out.startswith(f"victor-core {__version__}\n")
    assert real_victor("nope").code == 2


def test_a_reader_that_goes_away_is_no_error(place, console_script):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([console_script, "--help"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == b""


@pytest.mark.slow
def test_a_command_whose_reader_goes_away_is_no_error(place, console_script):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([console_script, "models", "--json"], stdout=write, stderr=subprocess.PIPE, timeout=60)
    os.close(write)
    assert done.returncode == 1
    assert done.stderr == b""


SLOW = """
from victor.core.hookspecs import hookimpl

@hookimpl
def victor_register_commands(register):
    register("slow", "victor_slow:slow")

def slow():
    "Wait until interrupted."
    import asyncio
    async def wait():
        print("waiting", flush=True)
        await asyncio.Event().wait()
    asyncio.run(wait())
"""


def test_ctrl_c_ends_a_command_with_130(plugin, console_script):
    plugin("slow", SLOW)
    process = subprocess.Popen([console_script, "slow"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err


def without_color(text):
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def in_terminal(args, *, columns=80, timeout=60.0):
    """What the program writes to a terminal of its own, and its exit code."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(TERM="xterm-256color", COLUMNS=str(columns))
        os.execv(args[0], args)
    output = b""
    until = time.monotonic() + timeout
    while time.monotonic() < until:
        if select.select([terminal], [], [], 1.0)[0]:
            try:
                piece = os.read(terminal, 65536)
            except OSError as error:
                if error.errno == errno.EIO:  # the other end was closed
                    break
                raise
            if not piece:
                break
            output += piece
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), output.decode()


def test_help_on_a_terminal_is_in_color_and_fits(place, console_script):
    code, out = in_terminal([console_script, "--help"], columns=50)
    assert code == 0
    assert "\x1b[36mrun" in out
    assert "\x1b[1mCommands" in out
    assert max(len(line) for line in without_color(out).splitlines()[4:]) <= 50


def test_help_of_a_command_on_a_terminal_is_drawn_by_rich(place, console_script):
    code, out = in_terminal([console_script, "run", "--help"])
    assert code == 0
    assert "╭─ Options ─" in without_color(out)


def test_no_color_on_a_terminal(place, console_script, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")
    code, out = in_terminal([console_script, "--help"])
    assert code == 0
    assert "\x1b" not in out


def test_main_takes_the_arguments_of_the_process(victor, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["victor", "--version"])
    assert main() == 0


TRACED = """
from victor.core.events import EventStream
from victor.core.hookspecs import hookimpl

@hookimpl
def victor_register_commands(register):
    register("work", "victor_traced:work")

def work():
    "Say where this is."
    stream, events = EventStream(), []
    stream.subscribe(events.append, phases=["end"])
    with stream.operation("agent.run", "clerk"):
        pass
    print(events[0].run_id, events[0].parent_id)
"""


def test_a_traced_caller_is_continued(victor, plugin, monkeypatch):
    from victor.core.events import current_span

    plugin("traced", TRACED)
    monkeypatch.setenv("TRACEPARENT", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    assert victor("work").out == "4bf92f3577b34da6a3ce929d0e0e4736 00f067aa0ba902b7\n"
    assert current_span() is None
    monkeypatch.setenv("TRACEPARENT", "nonsense")
    assert victor("work").out.endswith(" None\n")
