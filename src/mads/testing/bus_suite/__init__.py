"""The promises of `mads.bus.port` as checks, to be run on any adapter.

::

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    async def test_my_bus(check: Check) -> None:
        async with my_bus() as (server, client):
            await check(server, client)

What holds on a line that is late, doubles or loses (`mads.testing.faults`):

* late: every check, as long as nothing overtakes.
* doubles: every check but those in `ONCE`, which say how often or in which order something is handled.
* loses: the checks in `LOSSY`. Whoever waits is told at the deadline; nothing is made up, doubled or turned round.
"""

from mads.testing.bus_suite import events, lifecycle, order, requests, streams
from mads.testing.bus_suite.scene import Check

CHECKS: tuple[Check, ...] = (
    *requests.CHECKS,
    *events.CHECKS,
    *order.CHECKS,
    *streams.CHECKS,
    *lifecycle.CHECKS,
)
"""Every promise."""

ONCE: tuple[Check, ...] = (
    requests.a_request_brings_its_callee_everything_but_the_sink,
    requests.each_of_many_requests_gets_its_own_reply_and_is_handled_once,
    requests.a_request_that_waits_past_its_deadline_is_late_and_never_handled,
    requests.a_full_inbox_refuses_a_request_and_says_when_to_come_back,
    requests.who_fills_an_inbox_alone_gives_way_to_others,
    requests.cancelling_a_request_that_waits_means_that_it_is_never_handled,
    requests.progress_reaches_the_sink_of_the_caller_before_the_reply,
    events.an_event_reaches_every_subscription_and_one_member_of_each_group,
    events.an_event_reaches_a_subscription_at_most_once,
    events.a_full_inbox_drops_events_and_counts_them,
    events.an_event_that_waits_past_its_deadline_is_dropped,
    events.an_event_that_is_not_handled_by_its_deadline_is_cancelled,
    events.a_publisher_does_not_wait_for_those_who_hear,
    events.a_request_goes_to_the_most_exact_pattern,
    events.a_request_goes_to_the_member_of_a_group_that_has_the_least_to_do,
    order.events_of_one_key_stay_in_order,
    order.other_keys_overtake_a_key_that_waits,
    order.of_what_waits_the_lowest_band_goes_first,
    lifecycle.a_sealed_subscription_serves_what_it_took_and_what_that_sends,
    lifecycle.a_sealed_member_leaves_calls_to_its_group,
    lifecycle.draining_finishes_what_was_taken_and_takes_nothing_more,
)
"""What a line that doubles breaks."""

LOSSY: tuple[Check, ...] = (
    requests.every_request_ends,
    requests.a_request_sent_after_its_deadline_is_late_and_never_handled,
    events.an_event_reaches_a_subscription_at_most_once,
    events.an_event_that_nobody_hears_is_no_error,
)
"""What holds even on a line that loses."""

__all__ = ["CHECKS", "LOSSY", "ONCE", "Check"]
