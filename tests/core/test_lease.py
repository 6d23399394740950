from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rollouts.api.resources import ObjectKey
from rollouts.core import lease as rules
from rollouts.core.lease import Drain, Lease, Look, Me, Rest, Sighting, Standing, View, Void, Write
from rollouts.core.shares import Rule, Share

T0 = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
DURATION = timedelta(seconds=15)
ME = Me("b", "b_1", Rule.LEADER, DURATION)
KEY = ObjectKey("shop", "app")


def at(seconds: float) -> datetime:
    """That long after the start."""
    return T0 + timedelta(seconds=seconds)


def share(*members: str, rule: Rule = Rule.LEADER) -> Share:
    """What somebody goes by."""
    return Share(rule, members)


def lease(replica: str, *members: str, version: str = "1", since: str = "2026-01-02T12:00:00Z") -> Lease:
    """Somebody's Lease."""
    return Lease(replica, f"{replica}_1", DURATION, share(*members), since=since, version=version, uid=f"uid-{replica}")


def seen(*leases: Lease, at_s: float = 0.0) -> View:
    """Those Leases, seen then for the first time."""
    return rules.look({}, leases, at(at_s))


def seated(*members: str, trusted: Sequence[Share] | None = None) -> Standing:
    """One that has just written that into its Lease, and by default has looked since."""
    known = (share(*members),) if trusted is None else tuple(trusted)
    return Standing(lease("b", *members), sent_at=T0, trusted=known)


def test_who_comes_makes_a_lease_that_says_what_it_goes_by() -> None:
    """Behind all who are there: what the server will say of its age is not known yet."""
    assert rules.next_move(ME, Standing(), seen(lease("z", "z")), T0) == Write(
        Lease("b", "b_1", DURATION, share("z", "b"))
    )


def test_a_restart_in_place_takes_its_lease_over_at_once() -> None:
    """The process before it is dead; its seniority stays."""
    old = replace(lease("b", "b", "z"), incarnation="b_0")
    move = rules.next_move(ME, Standing(), seen(old, lease("z", "b", "z")), T0)
    assert move == Write(replace(old, incarnation="b_1", share=share("b", "z")))


def test_it_renews_five_times_in_the_time_that_a_lease_lasts() -> None:
    """And does nothing in between, if nothing is to be done."""
    view = seen(lease("b", "b"))
    assert rules.next_move(ME, seated("b"), view, at(2.9)) == Rest(at(3))
    assert rules.next_move(ME, seated("b"), view, at(3)) == Write(lease("b", "b"))


def test_it_works_for_two_thirds_of_the_duration_after_it_sent() -> None:
    """When the answer came does not matter."""
    assert rules.holds_until(ME, seated("b")) == at(10)
    assert rules.holds_until(ME, Standing()) is None
    taken = rules.written(rules.sending(seated("b"), lease("b", "b")), lease("b", "b", version="2"), at(3))
    assert rules.holds_until(ME, taken) == at(13)


def test_what_changes_is_watched_anew() -> None:
    """A Lease runs out only where it stays as it is."""
    view = rules.look(seen(lease("a")), [lease("a"), lease("c")], at(5))
    assert (view["a"].since, view["c"].since) == (T0, at(5))
    view = rules.look(view, [lease("a", version="2")], at(7))
    assert view == {"a": Sighting(lease("a", version="2"), at(7))}


def test_one_that_has_run_out_is_deleted_as_it_was_seen() -> None:
    """Not before its whole duration, and not while the own one has to be renewed."""
    standing, view = seated("a", "b"), seen(lease("a", "a", "b"), lease("b", "a", "b"), at_s=-14)
    assert rules.next_move(ME, standing, view, at(0.9)) == Rest(at(1))
    assert rules.next_move(ME, standing, view, at(1)) == Void(lease("a", "a", "b"))
    assert isinstance(rules.next_move(ME, standing, view, at(3)), Write)


def test_the_one_that_is_there_longest_comes_first() -> None:
    """By the server's time, then by name, for all alike."""
    young, old = lease("a", since="2026-01-02T12:00:01Z"), lease("c")
    assert rules.wanted(ME, lease("b"), seen(young, old, lease("b"))) == share("b", "c", "a")


def test_it_drains_before_it_says_that_it_gives_something_up() -> None:
    """At the longest until its Lease is to be renewed, as it is; then it goes on draining."""
    standing, view = seated("b"), seen(lease("b", "b"), lease("c", "c"))
    want = share("b", "c")
    assert rules.next_move(ME, standing, view, at(1)) == Drain(want, at(3))
    assert rules.next_move(ME, standing, view, at(3)) == Write(lease("b", "b"))
    drained = replace(standing, drained=want)
    assert rules.next_move(ME, drained, view, at(1)) == Write(lease("b", "b", "c"))
    assert rules.next_move(ME, drained, view, at(3)) == Write(lease("b", "b", "c"))


def test_it_looks_before_it_begins_with_what_it_takes_over() -> None:
    """It works on what it had, and on nothing new, until it has listed the Leases after it wrote."""
    view, both = seen(lease("b", "b")), [share("a", "b"), share("b")]
    standing = seated("b", trusted=both)
    assert rules.next_move(ME, standing, view, at(1)) == Look()
    assert not rules.may_work(ME, standing, view, KEY)
    looked = rules.listed(standing)
    assert rules.may_work(ME, looked, view, KEY)
    assert rules.next_move(ME, looked, view, at(1)) == Rest(at(3))


def test_one_that_never_looked_works_on_nothing() -> None:
    """Whatever its Lease says."""
    assert not rules.may_work(ME, seated("b", trusted=[]), seen(lease("b", "b")), KEY)
    assert rules.listed(Standing()).trusted == ()


def test_the_words_of_others_are_respected() -> None:
    """Also where they can't be understood: as long as their Lease is there."""
    standing = seated("b")
    assert rules.may_work(ME, standing, seen(lease("b", "b"), lease("c", "b", "c")), KEY)
    assert not rules.may_work(ME, standing, seen(lease("c", "c")), KEY)
    assert not rules.may_work(ME, standing, seen(replace(lease("c", "b"), share=None)), KEY)


def test_in_a_shard_it_works_on_its_part() -> None:
    """And another one on the rest."""
    members = share("b", "c", rule=Rule.SHARDS)
    me, other = replace(ME, rule=Rule.SHARDS), Me("c", "c_1", Rule.SHARDS, DURATION)
    keys = [ObjectKey("shop", f"app-{number}") for number in range(20)]
    view = rules.look({}, [replace(lease("b"), share=members), replace(lease("c"), share=members)], T0)
    standing = Standing(replace(lease("b"), share=members), T0, (members,))
    mine = {key for key in keys if rules.may_work(me, standing, view, key)}
    theirs = {key for key in keys if rules.may_work(other, standing, view, key)}
    assert mine
    assert theirs
    assert mine | theirs == {*keys}
    assert not mine & theirs


def test_a_write_without_an_answer_narrows_and_is_settled_first() -> None:
    """It may have been taken: what it gives up is given up, and the next thing is to write again."""
    want, view = share("b", "c"), seen(lease("b", "b"), lease("c", "c"))
    standing = rules.sending(replace(seated("b", trusted=[share("b")]), drained=want), lease("b", "b", "c"))
    assert standing.trusted == (share("b"), want)
    assert rules.next_move(ME, standing, seen(lease("b", "b")), at(1)) == Write(lease("b", "b"))
    assert rules.next_move(ME, standing, view, at(1)) == Write(lease("b", "b", "c"))
    settled = rules.written(standing, lease("b", "b", version="2"), at(1))
    assert not settled.in_doubt
    assert rules.next_move(ME, settled, seen(lease("b", "b")), at(1)) == Look()


def test_a_renewal_that_was_taken_without_an_answer_is_found() -> None:
    """It works on if nothing else was written with it; else it looks first. The time counts from what was answered."""
    standing = rules.sending(seated("b"), lease("b", "b"))
    found = rules.refused(ME, standing, seen(lease("b", "b", version="2")))
    assert (found.mine, found.sent_at, found.trusted) == (lease("b", "b", version="2"), T0, (share("b"),))
    other = rules.refused(ME, standing, seen(lease("b", "b", "c", version="2")))
    assert other.trusted == ()
    assert rules.next_move(ME, found, seen(lease("b", "b", version="2")), at(3)) == Write(lease("b", "b", version="2"))


def test_a_lease_that_was_made_without_an_answer_is_found() -> None:
    """It is written again, since nobody knows from when on it counts."""
    made = lease("b", "b")
    found = rules.refused(ME, rules.sending(Standing(), made), seen(made))
    assert rules.next_move(ME, found, seen(made), at(1)) == Write(made)


def test_one_that_is_voided_begins_anew() -> None:
    """As the youngest."""
    lost = rules.refused(ME, seated("b", "c"), seen(lease("c", "c")))
    assert lost == Standing()
    assert isinstance(rules.next_move(ME, lost, seen(lease("c", "c")), at(20)), Write)


def test_two_processes_of_one_name_do_not_take_it_in_turns() -> None:
    """The one whose Lease was taken waits until the other's has run out."""
    other = replace(lease("b", "b", version="2"), incarnation="b_2")
    lost = rules.refused(ME, seated("b"), seen(other))
    assert lost == Standing(ousted=True)
    assert rules.next_move(ME, lost, seen(other), at(1)) == Rest(at(15))
    assert isinstance(rules.next_move(ME, lost, seen(other), at(15)), Write)
    assert rules.refused(ME, lost, seen(other)).ousted
    assert not rules.refused(ME, lost, {}).ousted


def test_after_a_failure_it_waits_a_moment() -> None:
    """Whatever is to be done."""
    standing = replace(seated("b"), retry_at=at(4))
    assert rules.next_move(ME, standing, {}, at(3.5)) == Rest(at(4))
    assert isinstance(rules.next_move(ME, standing, {}, at(4)), Write)
