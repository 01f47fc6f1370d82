"""A MAD with what the official conformance suite looks for, by the names that it gives them."""

import asyncio
import base64
from enum import Enum
from typing import Annotated, Literal

from msgspec import Meta, Struct

from mads import (
    Audio,
    CannotAsk,
    Clock,
    Content,
    Embedded,
    Emit,
    Image,
    PromptMessage,
    ResourceUpdated,
    Turn,
    completes,
    every,
    mad,
    message,
    prompt,
    resource,
    tool,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
)
WAV = base64.b64decode("UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=")


class Titled(Enum):
    """A choice whose values have titles."""

    FIRST_OPTION = "value1"
    SECOND_OPTION = "value2"
    THIRD_OPTION = "value3"


Untitled = Literal["option1", "option2", "option3"]
Legacy = Annotated[
    Literal["opt1", "opt2", "opt3"],
    Meta(extra_json_schema={"enumNames": ["Option One", "Option Two", "Option Three"]}),
]


@message
class Account:
    """Who somebody is."""

    username: Annotated[str, Meta(description="User's response")]
    email: Annotated[str, Meta(description="User's email address")]


@message
class Defaults:
    """A field of each kind, with its default."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


@message
class Choices(Struct, frozen=True, rename="camel"):
    """A choice of each kind."""

    untitled_single: Untitled
    titled_single: Titled
    legacy_enum: Legacy
    untitled_multi: tuple[Untitled, ...]
    titled_multi: tuple[Titled, ...]


@message
class Name:
    """What somebody is called."""

    name: str


@message
class Confirmation:
    """Yes or no."""

    ok: bool


@message
class Colour:
    """What somebody likes."""

    color: str


@message
class Context:
    """What a prompt is about."""

    context: str


@mad
class Fixture:
    """You are what the conformance suite measures."""

    clock: Clock
    turn: Turn
    emit: Emit

    @tool
    async def test_simple_text(self) -> str:
        """Answer with text."""
        return "This is a simple text response for testing."

    @tool
    async def test_image_content(self) -> Image:
        """Answer with a picture."""
        return Image(PNG, "image/png")

    @tool
    async def test_audio_content(self) -> Audio:
        """Answer with sound."""
        return Audio(WAV, "audio/wav")

    @tool
    async def test_embedded_resource(self) -> Embedded:
        """Answer with a resource."""
        return Embedded("test://embedded-resource", "This is an embedded resource content.", mime_type="text/plain")

    @tool
    async def test_multiple_content_types(self) -> list[str | Content]:
        """Answer with several things."""
        json = '{"test":"data","value":123}'
        return [
            "Multiple content types test:",
            Image(PNG, "image/png"),
            Embedded("test://mixed-content-resource", json, mime_type="application/json"),
        ]

    @tool(interactive=True)
    async def test_tool_with_logging(self) -> str:
        """Log three lines."""
        for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
            self.turn.log("info", line)
            await self.clock.sleep(0.05)
        return "done"

    @tool(interactive=True)
    async def test_logging_tool(self) -> str:
        """Log one line."""
        self.turn.log("info", "a line for who asked for it")
        return "done"

    @tool(interactive=True)
    async def test_streaming_elicitation(self) -> str:
        """Tell of progress, then ask."""
        self.turn.progress(1, 2)
        await self.clock.sleep(0.05)
        return f"{await self.turn.ask('Please confirm', returning=Confirmation)}"

    @tool
    async def test_x_mcp_header(
        self, region: Annotated[str, Meta(extra_json_schema={"x-mcp-header": "Region"})] = ""
    ) -> str:
        """Take an argument that stands in a header as well."""
        return region

    @tool
    async def test_error_handling(self) -> str:
        """Fail."""
        raise RuntimeError("This tool intentionally returns an error for testing")

    @tool
    async def test_tool_with_progress(self) -> str:
        """Tell of progress three times."""
        for done in (0, 50, 100):
            self.turn.progress(done, 100, f"Completed step {done} of 100")
            await self.clock.sleep(0.05)
        return "done"

    @tool(interactive=True)
    async def test_sampling(self, prompt: str) -> str:
        """Ask the caller's model."""
        return f"LLM response: {(await self.turn.sample(prompt, max_tokens=100)).text}"

    @tool(interactive=True)
    async def test_elicitation(self, message: str) -> str:
        """Ask the caller who it is."""
        return f"User response: {await self.turn.ask(message, returning=Account)}"

    @tool(interactive=True)
    async def test_elicitation_sep1034_defaults(self) -> str:
        """Ask with defaults."""
        return f"Elicitation completed: {await self.turn.ask('Please look it over', returning=Defaults)}"

    @tool(interactive=True)
    async def test_elicitation_sep1330_enums(self) -> str:
        """Ask for choices."""
        return f"Elicitation completed: {await self.turn.ask('Please choose', returning=Choices)}"

    @tool(interactive=True)
    async def test_missing_capability(self) -> str:
        """Ask for what only some clients can."""
        return (await self.turn.sample("Anything")).text

    @tool(interactive=True)
    async def test_input_required_result_elicitation(self) -> str:
        """Ask for a name."""
        match await self.turn.ask("What is your name?", returning=Name, name="user_name"):
            case Name(name=name):
                return f"Hello, {name}!"
            case _:
                return "Hello, whoever you are!"

    @tool(interactive=True)
    async def test_input_required_result_sampling(self) -> str:
        """Ask a model."""
        return (await self.turn.sample("What is the capital of France?", max_tokens=100, name="capital_question")).text

    @tool(interactive=True)
    async def test_input_required_result_list_roots(self) -> str:
        """Ask for folders."""
        return ", ".join(root.uri for root in await self.turn.roots(name="client_roots"))

    @tool(interactive=True)
    async def test_input_required_result_request_state(self) -> str:
        """Ask for a yes."""
        return f"state-ok: {await self.turn.ask('Please confirm', returning=Confirmation, name='confirm')}"

    @tool(interactive=True)
    async def test_input_required_result_multiple_inputs(self) -> str:
        """Ask for three things at once."""
        given = await asyncio.gather(
            self.turn.ask("What is your name?", returning=Name, name="user_name"),
            self.turn.sample("Generate a greeting", max_tokens=50, name="greeting"),
            self.turn.roots(name="client_roots"),
        )
        return str(given)

    @tool(interactive=True)
    async def test_input_required_result_multi_round(self) -> str:
        """Ask for one thing after the other."""
        name = await self.turn.ask("Step 1: What is your name?", returning=Name, name="step1")
        colour = await self.turn.ask("Step 2: What is your favorite color?", returning=Colour, name="step2")
        return f"{name} {colour}"

    @tool(interactive=True)
    async def test_input_required_result_tampered_state(self) -> str:
        """Ask for a yes."""
        return f"{await self.turn.ask('Please confirm', returning=Confirmation, name='confirm')}"

    @tool(interactive=True)
    async def test_input_required_result_capabilities(self) -> str:
        """Ask for what the caller can."""
        try:
            return f"{await self.turn.ask('What is your name?', returning=Name)}"
        except CannotAsk:
            return (await self.turn.sample("What is your name?")).text

    @resource("test://static-text", mime_type="text/plain")
    async def static_text(self) -> str:
        """Return text."""
        return "This is the content of the static text resource."

    @resource("test://static-binary", mime_type="image/png")
    async def static_binary(self) -> bytes:
        """Return a picture."""
        return PNG

    @resource("test://template/{id}/data", mime_type="application/json")
    async def template(self, id: str) -> str:  # noqa: A002  the suite's name
        """Return what was asked for."""
        return f'{{"id":"{id}","templateTest":true,"data":"Data for ID: {id}"}}'

    @resource("test://watched-resource", mime_type="text/plain")
    async def watched_resource(self) -> str:
        """Return what changes."""
        return "Watched resource content"

    @every(seconds=1)
    async def change(self) -> None:
        """Say that the watched resource has changed."""
        await self.emit(ResourceUpdated("test://watched-resource"))

    @prompt
    async def test_simple_prompt(self) -> str:
        """Return one message."""
        return "This is a simple prompt for testing."

    @prompt
    async def test_prompt_with_arguments(self, arg1: str, arg2: str) -> str:
        """Return what was given."""
        return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"

    @completes(test_prompt_with_arguments, "arg1")
    async def complete_arg1(self, value: str) -> list[str]:
        """Complete the first argument."""
        return [known for known in ("paris", "park", "party") if known.startswith(value)]

    @prompt
    async def test_prompt_with_embedded_resource(self, resourceUri: str) -> list[PromptMessage]:  # noqa: N803  the suite's
        """Return a resource."""
        embedded = Embedded(resourceUri, "Embedded resource content for testing.", mime_type="text/plain")
        return [
            PromptMessage("user", embedded),
            PromptMessage("user", "Please process the embedded resource above."),
        ]

    @prompt
    async def test_prompt_with_image(self) -> list[PromptMessage]:
        """Return a picture."""
        return [
            PromptMessage("user", Image(PNG, "image/png")),
            PromptMessage("user", "Please analyze the image above."),
        ]

    @prompt(interactive=True)
    async def test_input_required_result_prompt(self) -> str:
        """Ask for the context of a prompt."""
        asked = "What context should the prompt use?"
        return f"Use this: {await self.turn.ask(asked, returning=Context, name='user_context')}"
