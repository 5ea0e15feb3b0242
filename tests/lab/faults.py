# SPDX-License-Identifier: MIT
"""What the lab breaks, or does without breaking anything, and the truth beside it.

A row says what is done to the world (lab/world.py), how long it lasts, and which segments a verdict has to name
for it: `truth` exactly.  `apart` lists a larger set that is as good if `t3ops -t` prints beforehand that it
cannot tell those apart.  For a row without truth every verdict is a false conviction, but for those in `may`,
which are true as well and need not come.  `slow` rows want the event of that name and no verdict.  Times are
those of the world.
"""
import dataclasses
import signal
import time
from collections.abc import Callable

from lab.page import PING_EVERY

EXONERATED = "exonerated"
YEAR = 365 * 86400


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    truth: tuple = ()  # sets of segments, one verdict each; () for nothing
    begin: Callable = None
    end: Callable = None
    lasts: float = 45  # from begin to end
    after: float = 30  # watched after the end, for echoes
    apart: frozenset = None
    may: tuple = ()  # sets that are true as well, said or not
    slow: bool = False
    needs: tuple = ()  # what the row does before begin, outside of its time
    blind: bool = False  # t3ops cannot be asked before the end
    world: str = ""  # of which kind; "": the usual one (lab/play.py)


def segment(*names):
    return (frozenset(names),)


def last_mile(*names):
    """Infra is cleared, or the last mile named: never anything else."""
    return tuple(frozenset([f"last_mile({n})"]) for n in names)


# Of two locations: what is proven, and what may be said before it is.
CDG = segment("cloudflare(CDG)")
CDG_OR_MILES = frozenset({"cloudflare(CDG)", "last_mile(alice)", "last_mile(bob)"})
HERS_OR_CDG = segment("last_mile(alice)", "cloudflare(CDG)")

# ---- what rows do

def both(*actions):
    def run(w):
        for action in actions:
            action(w)
    return run


def before_ping(name, action):
    """At the moment that hurts most: right before the page's next Ping, so nearly a period after the last answer.  How
    long a hole has to be for the page to give up does not depend on luck then."""
    def run(w):
        page, early = w.users[name].pages[0], 0.5 * w.factor
        while (left := page.ping_due - early - time.monotonic()) < 0:
            w.pause(PING_EVERY / 10)
        time.sleep(left)
        action(w)
    return run


def reloaded(*names):
    """That their browsers say goodbye is known from an ordinary reload."""
    def run(w):
        for name in names:
            w.users[name].wait_connected()
            w.users[name].reload()
    return run


def behind_ping(names, action):
    """Right behind the page's Ping, when one that gives up would do so, too."""
    def run(w):
        for name in names:
            page, due = w.users[name].pages[0], w.users[name].pages[0].ping_due
            while page.ping_due == due:
                time.sleep(0.001)
            getattr(w.users[name], action)()
            w.pause(3)
    return run


def line(name, action):
    return lambda w: getattr(w.path.lines[name], action)()


def part(name, action):
    return lambda w: getattr(getattr(w.path, name), action)()


def mile(name, action):
    return lambda w: getattr(w.lines[name], action)()


def serve(name, action, *words):
    return lambda w: getattr(w.stubs[name], action)(*words)


def serve_line(name, action):
    return lambda w: getattr(w.serve_lines[name], action)()


def user(name, action):
    return lambda w: getattr(w.users[name], action)()


def each_user(action):
    def run(w):
        for u in w.users.values():
            getattr(u, action)()
    return run


def one_by_one(action, pause):
    def run(w):
        for u in w.users.values():
            getattr(u, action)()
            w.pause(pause)
    return run


def restart_serve(name):
    def run(w):
        w.stubs[name].stop()
        w.stubs[name].start()
    return run


def crash_serve(name):
    return lambda w: w.stubs[name].crash()


def start_serve(name):
    return lambda w: w.stubs[name].start()


def stall_direction(name, direction, where="mile"):
    def run(w):
        relay = w.lines[name] if where == "mile" else w.path.lines[name] if where == "line" else w.serve_lines[name]
        getattr(relay, direction).stall()
    return run


def slow_line(relay_of, **how):
    """how in seconds of the world; bandwidth in bytes a second of it."""
    def run(w):
        scaled = dict(how)
        for key in ("delay", "jitter", "rto"):
            if key in scaled:
                scaled[key] *= w.factor
        if "bandwidth" in scaled:
            scaled["bandwidth"] *= w.speed
        relay_of(w).slow(**scaled)
    return run


def lines_do(names, action):
    """To several lines of the path at once."""
    def run(w):
        for name in names:
            getattr(w.path.lines[name], action)()
    return run


def wan_stall(leaves):
    """One direction of the uplink is silent: what leaves the house, or what comes in.  The tunnel's connection was made
    from inside, but its bytes go both ways: what comes from the edge goes up on its line."""
    def run(w):
        for name, leaving in (("wan_line", "up"), ("resolver_line", "up"), ("tunnel_line", "down")):
            direction = leaving if leaves else {"up": "down", "down": "up"}[leaving]
            getattr(w.path.lines[name], direction).stall()
    return run


def lose_wan(w):
    """The router forgot every connection: what is open is reset, what is new gets no answer."""
    w.wan("reset")
    w.wan("stall")


def edge_takes(action):
    """At every way that leads to the edge."""
    def run(w):
        for relay in [w.path.lines["wan_line"], *w.lines.values()]:
            getattr(relay, action)()
    return run


def flap(action_down, action_up, times, down, up):
    def run(w):
        for _ in range(times):
            action_down(w)
            w.pause(down)
            action_up(w)
            w.pause(up)
    return run


def largest(name, size):
    def run(w):
        w.path.lines[name].up.largest = w.path.lines[name].down.largest = size
    return run


def mile_largest(name, size):
    def run(w):
        w.lines[name].up.largest = w.lines[name].down.largest = size
    return run


def serve_largest(name, size):
    def run(w):
        w.serve_lines[name].up.largest = w.serve_lines[name].down.largest = size
    return run


def ask_large(w):
    for u in w.users.values():
        u.request("stub.bytes", {"bytes": 400000})


def large_answer(name, size):
    return lambda w: w.users[name].request("stub.bytes", {"bytes": size})


def busy(name):
    """The server sends a chunk every 3 s, which the page acknowledges."""
    def run(w):
        w.users[name].request("stub.chunks", {"every_ms": int(3000 * w.factor), "bytes": 500, "count": 1000})
    return run


def shut_laptop(name):
    def run(w):
        w.lines[name].stall()
        w.users[name].sleep()
    return run


def open_laptop(name):
    def run(w):
        w.lines[name].heal()
        w.users[name].wake()
    return run


def shut_laptop_later(name, seconds):
    """Its network goes first, right before a Ping."""
    return both(before_ping(name, mile(name, "stall")), lambda w: w.pause(seconds), user(name, "sleep"))


def open_laptop_first(name, seconds):
    """It is awake for so long before its network is back."""
    return both(user(name, "wake"), lambda w: w.pause(seconds), mile(name, "heal"))


def second_tab(name):
    """Which pings at other times than the first one.  What is cut right behind a document may have been left for it."""
    def run(w):
        before_ping(name, lambda w: w.pause(2.5))(w)
        w.users[name].open()
        w.pause(10)
    return run


def close_last(name):
    return lambda w: w.users[name].close(w.users[name].pages[-1])


def silent_laptop(name):
    """Its connections are gone for good: the lid was closed for long."""
    def run(w):
        w.lines[name].vanish()
        w.users[name].sleep()
    return run


def change_network(name, address, far=False):
    """far: to one from which the second location is nearer."""
    def run(w):
        fresh = w.path.last_mile(name, address, far)
        w.lines[name].vanish()
        w.lines[name] = fresh
        w.users[name].move(fresh.address)
    return run


def reroute(name, address, far=False):
    """Its new connections go over the other location, as when the Internet sends them there."""
    def run(w):
        w.lines[name] = w.path.last_mile(name, address, far)
        w.users[name].reroute(w.lines[name].address)
    return run


def private_windows(name, n):
    """Opened one after the other, each with cookies of its own, and closed."""
    def run(w):
        tabs = []
        for _ in range(n):
            tabs.append(w.users[name].open(private=True))
            w.pause(4)
        for tab in tabs:
            w.users[name].close(tab)
            w.pause(1)
    return run


def starve(seconds, stopped, running):
    """t3ops gets little of the CPU: it stands still most of the time."""
    def run(w):
        end = w.lapse.now() + seconds
        while w.lapse.now() < end:
            w.freeze()
            w.pause(stopped)
            w.thaw()
            w.pause(running)
    return run


def machine(action):
    """Everything on the machine of t3ops: itself, the servers, the path's programs."""
    def run(w):
        for stub in w.stubs.values():
            getattr(stub, "stall" if action == "freeze" else "resume")()
        for part_of_path in (w.path.tunnel, w.path.traefik):
            part_of_path.stall() if action == "freeze" else part_of_path.heal()
        getattr(w, action)()
    return run


def suspend(seconds):
    """The machine sleeps and wakes; its users do not."""
    def run(w):
        machine("freeze")(w)
        w.pause(seconds)
        w.suspend(seconds)
        machine("thaw")(w)
    return run


def set_clock(seconds):
    """Ahead, or back if negative.  Its certificates were issued minutes ago by an authority that is as young."""
    return lambda w: w.lapse.jump(realtime=seconds)


def names_to(address):
    """The public name is at that address, at which of the path's ports nobody listens, or a server that is not ours."""
    return lambda w: w.path.name_at(address)


def stranger(there):
    return lambda w: w.path.stranger(there)


def pause(seconds):
    return lambda w: w.pause(seconds)


def start_with_clock(seconds):
    return lambda w: w.restart(lambda: set_clock(seconds)(w))


def reopen(name):
    return lambda w: w.users[name].open()


def reload_hung_page(name):
    def run(w):
        w.stubs[name].stall()
        w.pause(8)
        w.users[name].reload()
        w.pause(1)
        w.stubs[name].resume()
    return run


def without_user(name):
    def run(w):
        w.users[name].close()
        w.daemon.write_users(w.table(without=[name]))
        w.daemon.reload()
    return run


def with_user(name):
    def run(w):
        w.daemon.write_users(w.table())
        w.daemon.reload()
        w.users[name].open()
    return run


def restart_beside(name, action):
    """The server is broken while t3ops does not run: its leg never was up."""
    return lambda w: w.restart(lambda: getattr(w.stubs[name], action)())


def upgrade(w):
    mark = len(w.daemon.log())
    w.daemon.process.send_signal(signal.SIGUSR2)
    w.daemon.process.wait_log(r"\bevent=(reloaded|upgraded|ready)\b", 60, mark)


def wipe_and_replace(w):
    """Every session is dead, and every open page connects again."""
    for stub in w.stubs.values():
        stub.wipe()
    each_user("replace")(w)


def restart(name):
    return both(part(name, "cut"), part(name, "heal"))


def expire(name, expired):
    return lambda w: w.path.expire(name, expired)


def sso(answers):
    return lambda w: w.path.sso(answers)


def wall(over):
    return lambda w: w.path.wall(over)


ROWS = [
    # ---- the path
    Row("kill the edge", segment("cloudflare"), part("edge", "cut"), part("edge", "heal")),
    Row("stall the edge", segment("cloudflare"), part("edge", "stall"), part("edge", "heal"),
        apart=frozenset({"cloudflare", "tunnel"})),
    Row("kill the tunnel", segment("tunnel"), part("tunnel", "cut"), part("tunnel", "heal")),
    Row("stall the tunnel", segment("tunnel"), part("tunnel", "stall"), part("tunnel", "heal"),
        apart=frozenset({"cloudflare", "tunnel"})),
    Row("cut between edge and tunnel", segment("tunnel"), line("tunnel_line", "cut"), line("tunnel_line", "heal")),
    Row("silence between edge and tunnel", segment("tunnel"), line("tunnel_line", "stall"), line("tunnel_line", "heal"),
        apart=frozenset({"cloudflare", "tunnel"})),
    *(Row(f"silence {'towards' if way == 'up' else 'from'} {what}, one direction", segment("tunnel"),
          stall_direction(where, way, "line"), line(where, "heal"), apart=frozenset({"cloudflare", "tunnel"}))
      for what, where in (("the tunnel", "tunnel_line"), ("Traefik", "traefik_line")) for way in ("up", "down")),
    Row("the edge takes no new connections", segment("cloudflare"), edge_takes("refuse"), edge_takes("heal"), lasts=90),
    Row("edge reaches no tunnel for new connections", segment("tunnel"), line("tunnel_line", "refuse"),
        line("tunnel_line", "heal"), lasts=90),
    Row("new connections hang between edge and tunnel", segment("tunnel"), line("tunnel_line", "hang"),
        line("tunnel_line", "heal"), lasts=90, apart=frozenset({"cloudflare", "tunnel"})),
    Row("tunnel reaches no Traefik for new connections", segment("tunnel"), line("traefik_line", "refuse"),
        line("traefik_line", "heal"), lasts=90, apart=frozenset({"cloudflare", "tunnel"})),
    Row("Traefik takes no new connections", segment("traefik"), lines_do(("traefik_line", "inner_line"), "refuse"),
        lines_do(("traefik_line", "inner_line"), "heal"), lasts=90),
    Row("tunnel reaches no Traefik", segment("tunnel"), line("traefik_line", "cut"), line("traefik_line", "heal"),
        apart=frozenset({"tunnel", "traefik"})),
    Row("kill Traefik", segment("traefik"), part("traefik", "cut"), part("traefik", "heal")),
    Row("stall Traefik", segment("traefik"), part("traefik", "stall"), part("traefik", "heal"),
        apart=frozenset({"traefik", "dispatch"})),
    Row("cut between Traefik and t3ops", segment("dispatch"), line("dispatch_line", "cut"), line("dispatch_line", "heal"),
        apart=frozenset({"traefik", "dispatch"})),
    Row("silence between Traefik and t3ops", segment("dispatch"), line("dispatch_line", "stall"),
        line("dispatch_line", "heal"), apart=frozenset({"traefik", "dispatch"})),
    *(Row(f"silence {'towards' if way == 'up' else 'from'} t3ops, one direction", segment("dispatch"),
          stall_direction("dispatch_line", way, "line"), line("dispatch_line", "heal"), apart=frozenset({"traefik", "dispatch"}))
      for way in ("up", "down")),
    Row("Traefik reaches no t3ops for new connections", segment("dispatch"), line("dispatch_line", "refuse"),
        line("dispatch_line", "heal"), lasts=90, apart=frozenset({"traefik", "dispatch"})),
    Row("kill the proxy of t3ops", segment("dispatch"), lambda w: w.signal_process("proxy", signal.SIGKILL), lasts=20),
    Row("large messages die in the tunnel", segment("tunnel"), both(largest("tunnel_line", 8000), ask_large),
        line("tunnel_line", "heal"), lasts=90, apart=frozenset({"wan", "cloudflare", "tunnel"})),
    Row("large messages die between Traefik and t3ops", segment("dispatch"), both(largest("dispatch_line", 8000), ask_large),
        line("dispatch_line", "heal"), lasts=90, apart=frozenset({"traefik", "dispatch"})),

    Row("restart the edge", segment("cloudflare"), restart("edge"), lasts=10,
        apart=frozenset({"wan", "cloudflare", "tunnel"})),
    Row("restart the tunnel", segment("tunnel"), restart("tunnel"), lasts=10,
        apart=frozenset({"wan", "cloudflare", "tunnel"})),
    Row("restart Traefik", segment("traefik"), restart("traefik"), lasts=10,
        apart=frozenset({"traefik", "dispatch"})),
    Row("the tunnel flaps", segment("tunnel"), flap(part("tunnel", "cut"), part("tunnel", "heal"), 5, 2, 6), lasts=5),
    Row("the edge's certificate expired", segment("cloudflare"), expire("edge", True), expire("edge", False)),
    Row("Traefik's certificate expired", segment("traefik"), expire("traefik", True), expire("traefik", False)),

    # ---- the uplink and the name
    Row("the uplink is silent", segment("wan"), lambda w: w.wan("stall"), lambda w: w.wan("heal")),
    Row("the uplink is lost", segment("wan"), lose_wan, lambda w: w.wan("heal")),
    Row("the uplink is silent, and a server stalls besides", segment("wan") + segment("serve(alice)"),
        both(lambda w: w.wan("stall"), lambda w: w.pause(3), serve("alice", "stall")),
        both(lambda w: w.wan("heal"), serve("alice", "resume"))),
    Row("the uplink is silent, what leaves", segment("wan"), wan_stall(True), lambda w: w.wan("heal")),
    Row("the uplink is silent, what comes in", segment("wan"), wan_stall(False), lambda w: w.wan("heal")),
    Row("the uplink flaps", segment("wan"), flap(lose_wan, lambda w: w.wan("heal"), 3, 4, 6), lasts=5,
        apart=frozenset({"wan", "cloudflare"})),
    Row("the resolver is gone", segment("dns"), part("resolver", "cut"), part("resolver", "heal"), lasts=150),
    Row("the resolver is silent", segment("dns"), line("resolver_line", "stall"), line("resolver_line", "heal"), lasts=150),
    Row("the resolver answers too late", segment("dns"), slow_line(lambda w: w.path.lines["resolver_line"], delay=2.5),
        line("resolver_line", "heal"), lasts=150),
    Row("the name leads where nobody is", segment("dns"), names_to("127.0.0.99"), names_to("127.0.0.1"), lasts=90),
    Row("the name leads to another server", segment("dns"), both(stranger(True), names_to("127.0.0.98")),
        both(names_to("127.0.0.1"), stranger(False)), lasts=90),
    Row("the name leads where nobody is, then the edge dies", segment("dns") + segment("cloudflare"),
        both(names_to("127.0.0.99"), pause(40), part("edge", "cut")), both(part("edge", "heal"), names_to("127.0.0.1")),
        lasts=30, may=(frozenset({"cloudflare", "dns"}),)),
    Row("the resolver is slow", begin=slow_line(lambda w: w.path.lines["resolver_line"], delay=0.3),
        end=line("resolver_line", "heal"), lasts=90, slow=True),

    # ---- servers
    Row("stall alice's server", segment("serve(alice)"), serve("alice", "stall"), serve("alice", "resume")),
    Row("stall bob's old server", segment("serve(bob)"), serve("bob", "stall"), serve("bob", "resume")),
    Row("stall carol's new server", segment("serve(carol)"), serve("carol", "stall"), serve("carol", "resume")),
    Row("kill alice's server", segment("serve(alice)"), crash_serve("alice"), start_serve("alice")),
    Row("restart alice's server", segment("serve(alice)"), restart_serve("alice"), lasts=5),
    Row("restart bob's old server", segment("serve(bob)"), restart_serve("bob"), lasts=5),
    Row("alice's server refuses", segment("serve(alice)"), serve("alice", "refuse"), serve("alice", "accept")),
    *(Row(f"{name}'s WebSockets are dead, {whose} HTTP lives", segment(f"serve({name})"), serve(name, "mute"),
          serve(name, "mute", False)) for name, whose in (("alice", "her"), ("bob", "his"))),
    Row("alice's server takes no new connections", segment("serve(alice)"), serve_line("alice", "refuse"),
        serve_line("alice", "heal"), lasts=60),
    Row("alice's server flaps", segment("serve(alice)"), flap(crash_serve("alice"), start_serve("alice"), 3, 3, 6), lasts=5),
    Row("large answers of alice's server die", segment("serve(alice)"),
        both(serve_largest("alice", 8000), large_answer("alice", 400_000)), serve_line("alice", "heal"), lasts=60),
    Row("silence towards alice's server, one direction", segment("serve(alice)"), stall_direction("alice", "up", "serve"),
        serve_line("alice", "heal")),
    Row("silence from alice's server, one direction", segment("serve(alice)"), stall_direction("alice", "down", "serve"),
        serve_line("alice", "heal")),
    Row("two servers stall", segment("serve(alice)") + segment("serve(bob)"),
        both(serve("alice", "stall"), serve("bob", "stall")), both(serve("alice", "resume"), serve("bob", "resume"))),
    Row("alice's server hangs already when t3ops starts", segment("serve(alice)"), restart_beside("alice", "stall"),
        serve("alice", "resume"), may=segment("dispatch")),
    Row("bob's WebSockets are dead already when t3ops starts", segment("serve(bob)"), restart_beside("bob", "mute"),
        lambda w: w.stubs["bob"].mute(False), may=segment("dispatch")),
    Row("alice has no t3 when t3ops starts", begin=restart_beside("alice", "stop"), end=start_serve("alice"),
        may=segment("dispatch")),

    # ---- last miles; a cut is known to be a drop when the page is back, so by its pauses: after 1, 3, 7, 15, 31 s
    Row("cut alice's last mile", last_mile("alice"), needs=(reloaded("alice"),), begin=mile("alice", "cut"),
        end=mile("alice", "heal"), lasts=5),
    Row("silence on alice's last mile", last_mile("alice"), mile("alice", "stall"), mile("alice", "heal")),
    *(Row(f"a hole of {seconds:g} s in {name}'s Wi-Fi", last_mile(name), before_ping(name, mile(name, "stall")),
          mile(name, "heal"), lasts=seconds)
      for seconds, name in ((6.5, "alice"), (9, "bob"), (12, "alice"), (20, "carol"), (20, "alice"))),
    Row("a hole of 25 s in carol's Wi-Fi", last_mile("carol"), mile("carol", "stall"), mile("carol", "heal"), lasts=25),
    Row("alice's last mile is silent upwards", last_mile("alice"), stall_direction("alice", "up"), mile("alice", "heal")),
    Row("alice's last mile is silent downwards", last_mile("alice"), stall_direction("alice", "down"), mile("alice", "heal")),
    *(Row(f"the way down to {name} is silent for {seconds} s", last_mile(name), stall_direction(name, "down"), mile(name, "heal"),
          lasts=seconds) for name, seconds in (("alice", 15), ("carol", 30))),
    Row("the way down to alice's two tabs is silent for 11 s", last_mile("alice"), needs=(second_tab("alice"),),
        begin=stall_direction("alice", "down"), end=both(mile("alice", "heal"), close_last("alice")), lasts=11),
    Row("alice's last mile is slow under a large answer", last_mile("alice"),
        both(slow_line(lambda w: w.lines["alice"], bandwidth=20000), large_answer("alice", 3_000_000)),
        mile("alice", "heal"), lasts=60),
    Row("large messages die on alice's last mile", last_mile("alice"),
        both(mile_largest("alice", 8000), large_answer("alice", 400_000)), mile("alice", "heal"), lasts=45),
    Row("alice's last mile flaps", last_mile("alice"), needs=(reloaded("alice"),),
        begin=flap(mile("alice", "cut"), mile("alice", "heal"), 4, 2, 6), lasts=5),
    Row("two last miles are cut", last_mile("alice", "bob"), needs=(reloaded("alice", "bob"),),
        begin=both(mile("alice", "cut"), mile("bob", "cut")), end=both(mile("alice", "heal"), mile("bob", "heal")), lasts=5),

    Row("carol's last mile is cut under two tabs", last_mile("carol"), needs=(second_tab("carol"),), begin=mile("carol", "reset"),
        end=close_last("carol"), lasts=15),

    # ---- the machine itself
    Row("t3ops stands still for 30 s", segment("host"), lambda w: w.freeze(), lambda w: w.thaw(), lasts=30, blind=True),
    Row("the machine of t3ops stands still for 30 s", segment("host"), machine("freeze"), machine("thaw"), lasts=30, blind=True),
    Row("the machine of t3ops is suspended for 60 s", segment("host"), suspend(60), lasts=10),
    Row("the clock is set an hour ahead", begin=set_clock(3600), end=set_clock(-3600), lasts=40),
    *(Row(f"the clock is set {what}", begin=set_clock(by), end=set_clock(-by), lasts=90)
      for what, by in (("an hour back", -3600), ("a year ahead", YEAR), ("a year back", -YEAR))),
    Row("the clock is set a year ahead while Traefik stands still", segment("traefik"),
        both(part("traefik", "stall"), pause(3), set_clock(YEAR)), both(part("traefik", "heal"), set_clock(-YEAR)),
        apart=frozenset({"traefik", "dispatch"})),
    Row("the clock is set an hour back in a stalled tunnel", segment("tunnel"),
        both(part("tunnel", "stall"), pause(4), set_clock(-3600), pause(25), set_clock(3600)), part("tunnel", "heal"), lasts=5,
        apart=frozenset({"wan", "cloudflare", "tunnel"})),
    Row("alice's server stalls under a clock that is a year back", segment("serve(alice)"),
        both(set_clock(-YEAR), pause(5), serve("alice", "stall")), both(serve("alice", "resume"), set_clock(YEAR))),
    Row("the clock is a year ahead already when t3ops starts", begin=start_with_clock(YEAR), end=set_clock(-YEAR),
        may=segment("dispatch"), lasts=60),
    Row("Traefik's certificate expired, and the clock is an hour ahead", segment("traefik"), both(set_clock(3600),
        expire("traefik", True)), both(expire("traefik", False), set_clock(-3600))),
    Row("the proxy of t3ops hangs", segment("dispatch"), lambda w: w.signal_process("proxy", signal.SIGSTOP), lasts=40,
        apart=frozenset({"traefik", "dispatch"}), may=segment("host")),
    Row("t3ops gets little of the CPU", begin=starve(40, 1.5, 0.25), may=segment("host"), lasts=10),

    # ---- faults of the prober's own, which users do not have
    Row("the prober's own way out is silent", segment("prober"), line("wan_line", "stall"), line("wan_line", "heal"), lasts=60),
    Row("the prober's own way to Traefik is cut", segment("prober"), line("inner_line", "cut"), line("inner_line", "heal"),
        lasts=60),
    Row("the prober is killed", begin=lambda w: w.signal_process("prober", signal.SIGKILL), lasts=30),
    Row("the prober is killed in a silence of the tunnel", segment("tunnel"),
        both(part("tunnel", "stall"), pause(3), lambda w: w.signal_process("prober", signal.SIGKILL)), part("tunnel", "heal"),
        apart=frozenset({"wan", "cloudflare", "tunnel"})),
    Row("the prober is killed as alice's server stalls", segment("serve(alice)"),
        both(serve("alice", "stall"), lambda w: w.signal_process("prober", signal.SIGKILL)), serve("alice", "resume")),
    Row("the prober hangs", begin=lambda w: w.signal_process("prober", signal.SIGSTOP), lasts=40, may=segment("host")),
    Row("the monitor is killed", begin=lambda w: w.signal_process("monitor", signal.SIGKILL), lasts=30, blind=True),

    # ---- slow, which convicts nobody
    Row("brown-out before us", begin=slow_line(lambda w: w.path.lines["tunnel_line"], delay=1.5),
        end=line("tunnel_line", "heal"), lasts=90, slow=True),
    Row("alice's server answers late", begin=slow_line(lambda w: w.serve_lines["alice"], delay=1.5),
        end=serve_line("alice", "heal"), lasts=90, slow=True),

    # ---- ordinary life, which is nobody's fault
    Row("nothing", lasts=120),
    Row("everybody reloads", begin=each_user("reload"), lasts=20),
    Row("a busy page is reloaded", needs=(busy("alice"), busy("carol")), begin=flap(
        both(user("alice", "reload"), busy("alice")), user("carol", "reload"), 3, 4, 3), lasts=20),
    Row("pages replace their connections", begin=each_user("replace"), lasts=20),
    Row("pages replace their connections behind a Ping", begin=behind_ping(("alice", "bob", "carol"), "replace"), lasts=20),
    Row("sessions are wiped under open pages", begin=wipe_and_replace, lasts=40),
    Row("tabs are closed", needs=(reopen("alice"), reopen("carol")), begin=both(user("alice", "close"), user("carol", "close")),
        lasts=20),
    Row("browsers are killed", begin=both(user("alice", "crash"), lambda w: w.pause(4), user("carol", "crash")),
        end=both(reopen("alice"), reopen("carol"))),
    Row("alice closes her laptop for 3 minutes", begin=silent_laptop("alice"), end=open_laptop("alice"), lasts=180),
    *(Row(f"{name} closes her laptop for 30 s", begin=shut_laptop(name), end=open_laptop(name), lasts=30)
      for name in ("alice", "carol")),
    *(Row(f"{name}'s network goes {awake} s before her lid, for {lasts} s{f', and comes {late} s after' if late else ''}",
          begin=shut_laptop_later(name, awake), end=open_laptop_first(name, late), lasts=lasts, may=segment(EXONERATED))
      for name, awake, lasts, late in (("alice", 2, 10, 0), ("alice", 2, 30, 0), ("alice", 7, 30, 0), ("alice", 2, 50, 4),
                                       ("carol", 2, 30, 0), ("carol", 7, 30, 0))),
    Row("bob's phone changes networks", begin=change_network("bob", "127.0.0.42"), lasts=130),
    Row("alice opens private windows", begin=private_windows("alice", 4), lasts=20),
    Row("a hole of 4 s in alice's Wi-Fi", begin=mile("alice", "stall"), end=mile("alice", "heal"), lasts=4),
    Row("alice's line loses a tenth", begin=slow_line(lambda w: w.lines["alice"], loss=0.1, rto=0.3), end=mile("alice", "heal"),
        lasts=60),
    Row("a hung page is reloaded", begin=reload_hung_page("alice"), lasts=20, may=segment("serve(alice)")),
    Row("t3ops is reloaded", begin=lambda w: w.daemon.reload(), lasts=30),
    Row("t3ops is upgraded", begin=upgrade, lasts=30),
    Row("bob is taken out of the table", begin=without_user("bob"), end=with_user("bob")),
    Row("the SSO stands before the probe", begin=wall(True), end=wall(False)),
    Row("a server stalls for 4 s", begin=serve("alice", "stall"), end=serve("alice", "resume"), lasts=4),

    # ---- a second provider, with a leg of its own
    Row("the second uplink is silent", segment("wan2"), lines_do(("wan2_line", "resolver2_line"), "stall"),
        lines_do(("wan2_line", "resolver2_line"), "heal"), world="more legs"),
    Row("the second uplink is lost", segment("wan2"),
        both(lines_do(("wan2_line", "resolver2_line"), "reset"), lines_do(("wan2_line", "resolver2_line"), "stall")),
        lines_do(("wan2_line", "resolver2_line"), "heal"), world="more legs"),
    Row("kill the edge before two uplinks", segment("cloudflare"), part("edge", "cut"), part("edge", "heal"),
        world="more legs"),
    Row("kill the tunnel behind two uplinks", segment("tunnel"), part("tunnel", "cut"), part("tunnel", "heal"),
        world="more legs"),

    Row("the SSO is down", segment("sso"), sso(False), sso(True), world="more legs"),
    Row("kill Traefik before the SSO", segment("traefik"), part("traefik", "cut"), part("traefik", "heal"), world="more legs"),

    # ---- two locations of Cloudflare: the legs and carol come over FRA; alice and bob over CDG, or alice alone
    Row("alice's and bob's location is silent", CDG, part("far_edge", "stall"), part("far_edge", "heal"), apart=CDG_OR_MILES,
        world="two locations"),
    Row("alice's and bob's location is silent for 12 s", CDG, part("far_edge", "stall"), part("far_edge", "heal"), lasts=12,
        apart=CDG_OR_MILES, world="two locations"),
    Row("kill alice's and bob's location", CDG, part("far_edge", "cut"), part("far_edge", "heal"), apart=CDG_OR_MILES,
        world="two locations"),
    Row("restart alice's and bob's location", CDG, restart("far_edge"), lasts=10, apart=CDG_OR_MILES, world="two locations"),
    Row("their location reaches no tunnel", CDG, line("far_line", "cut"), line("far_line", "heal"), apart=CDG_OR_MILES,
        world="two locations"),
    Row("silence between their location and the tunnel", CDG, line("far_line", "stall"), line("far_line", "heal"),
        apart=CDG_OR_MILES, world="two locations"),
    Row("kill their location, and they move to the other", CDG, both(part("far_edge", "cut"), reroute("alice", "127.0.0.11"),
        reroute("bob", "127.0.0.12")), both(part("far_edge", "heal"), reroute("alice", "127.0.0.11", True),
        reroute("bob", "127.0.0.12", True), user("alice", "reload"), user("bob", "reload")), lasts=30, apart=CDG_OR_MILES,
        world="two locations"),
    Row("kill the location of the legs and of carol", segment("cloudflare"), part("edge", "cut"), part("edge", "heal"),
        may=segment("cloudflare(FRA)"), world="two locations"),
    Row("kill both locations", segment("cloudflare"), both(part("edge", "cut"), part("far_edge", "cut")),
        both(part("edge", "heal"), part("far_edge", "heal")), world="two locations"),
    Row("kill the tunnel behind both locations", segment("tunnel"), part("tunnel", "cut"), part("tunnel", "heal"),
        world="two locations"),
    Row("a hole of 12 s in alice's Wi-Fi, and bob comes over her location", last_mile("alice"),
        before_ping("alice", mile("alice", "stall")), mile("alice", "heal"), lasts=12, world="two locations"),
    Row("a hole of 20 s in carol's Wi-Fi, who comes over the legs' location", last_mile("carol"),
        before_ping("carol", mile("carol", "stall")), mile("carol", "heal"), lasts=20, world="two locations"),
    Row("two locations, and nothing", lasts=60, world="two locations"),
    Row("everybody reloads over two locations", begin=each_user("reload"), lasts=20, world="two locations"),

    Row("alice's location is silent, and she is alone there", HERS_OR_CDG, before_ping("alice", part("far_edge", "stall")),
        part("far_edge", "heal"), world="alone"),
    Row("kill alice's location, and she is alone there", HERS_OR_CDG, part("far_edge", "cut"), part("far_edge", "heal"),
        lasts=20, world="alone"),
    Row("a hole of 12 s in alice's Wi-Fi, and she is alone at her location", HERS_OR_CDG,
        before_ping("alice", mile("alice", "stall")), mile("alice", "heal"), lasts=12, world="alone"),
    Row("alice reloads, and she is alone at her location", begin=user("alice", "reload"), lasts=20, world="alone"),

    # ---- thirty users
    Row("kill the tunnel under thirty users", segment("tunnel"), part("tunnel", "cut"), part("tunnel", "heal"), world="crowd"),
    Row("stall Traefik under thirty users", segment("traefik"), part("traefik", "stall"), part("traefik", "heal"),
        apart=frozenset({"traefik", "dispatch"}), world="crowd"),
    Row("kill the proxy of t3ops under thirty users", segment("dispatch"), lambda w: w.signal_process("proxy", signal.SIGKILL),
        lasts=20, world="crowd"),
    Row("thirty users reload at the same moment", begin=each_user("reload"), lasts=20, world="crowd"),
    Row("thirty users reload within half a minute", begin=one_by_one("reload", 1), lasts=20, world="crowd"),
    Row("t3ops is upgraded under thirty users", begin=upgrade, lasts=30, world="crowd"),
]
