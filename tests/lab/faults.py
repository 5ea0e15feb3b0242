# SPDX-License-Identifier: MIT
"""What the lab breaks, or does without breaking anything, and the truth beside it.

A row says what is done to the world (lab/world.py), how long it lasts, and which segments a verdict has to name
for it: `truth` exactly.  `apart` lists a larger set that is as good if `t3ops -t` prints beforehand that it
cannot tell those apart.  For a row without truth every verdict is a false conviction.  `slow` rows want the
event of that name and no verdict.  Times are those of the world.
"""
import dataclasses
import signal
from collections.abc import Callable

EXONERATED = "exonerated"


@dataclasses.dataclass(frozen=True)
class Row:
    name: str
    truth: tuple = ()  # sets of segments, one verdict each; () for nothing
    begin: Callable = None
    end: Callable = None
    lasts: float = 45  # from begin to end
    after: float = 40  # watched after the end, for echoes
    apart: frozenset = None
    slow: bool = False
    needs: tuple = ()  # what the row does before begin, outside of its time
    blind: bool = False  # t3ops cannot be asked before the end


def segment(*names):
    return (frozenset(names),)


def last_mile(*names):
    """Infra is cleared, or the last mile named: never anything else."""
    return tuple(frozenset([f"last_mile({n})"]) for n in names)


# ---- what rows do

def both(*actions):
    def run(w):
        for action in actions:
            action(w)
    return run


def line(name, action):
    return lambda w: getattr(w.path.lines[name], action)()


def part(name, action):
    return lambda w: getattr(getattr(w.path, name), action)()


def mile(name, action):
    return lambda w: getattr(w.lines[name], action)()


def serve(name, action):
    return lambda w: getattr(w.stubs[name], action)()


def serve_line(name, action):
    return lambda w: getattr(w.serve_lines[name], action)()


def user(name, action):
    return lambda w: getattr(w.users[name], action)()


def each_user(action):
    def run(w):
        for u in w.users.values():
            getattr(u, action)()
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
        for key in ("delay", "jitter"):
            if key in scaled:
                scaled[key] *= w.factor
        if "bandwidth" in scaled:
            scaled["bandwidth"] *= w.speed
        relay_of(w).slow(**scaled)
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


def silent_laptop(name):
    """Its connections are gone for good: the lid was closed for long."""
    def run(w):
        w.lines[name].vanish()
        w.users[name].sleep()
    return run


def change_network(name, address):
    def run(w):
        fresh = w.path.last_mile(name, address)
        w.lines[name].vanish()
        w.lines[name] = fresh
        w.users[name].move(fresh.address)
    return run


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
    Row("silence towards the tunnel, one direction", segment("tunnel"), stall_direction("tunnel_line", "up", "line"),
        line("tunnel_line", "heal"), apart=frozenset({"cloudflare", "tunnel"})),
    Row("edge reaches no tunnel for new connections", segment("tunnel"), line("tunnel_line", "refuse"),
        line("tunnel_line", "heal"), lasts=90),
    Row("tunnel reaches no Traefik", segment("tunnel"), line("traefik_line", "cut"), line("traefik_line", "heal"),
        apart=frozenset({"tunnel", "traefik"})),
    Row("kill Traefik", segment("traefik"), part("traefik", "cut"), part("traefik", "heal")),
    Row("stall Traefik", segment("traefik"), part("traefik", "stall"), part("traefik", "heal"),
        apart=frozenset({"traefik", "dispatch"})),
    Row("cut between Traefik and t3ops", segment("dispatch"), line("dispatch_line", "cut"), line("dispatch_line", "heal"),
        apart=frozenset({"traefik", "dispatch"})),
    Row("silence between Traefik and t3ops", segment("dispatch"), line("dispatch_line", "stall"),
        line("dispatch_line", "heal"), apart=frozenset({"traefik", "dispatch"})),
    Row("Traefik reaches no t3ops for new connections", segment("dispatch"), line("dispatch_line", "refuse"),
        line("dispatch_line", "heal"), lasts=90, apart=frozenset({"traefik", "dispatch"})),
    Row("kill the proxy of t3ops", segment("dispatch"), lambda w: w.signal_process("proxy", signal.SIGKILL), lasts=20),
    Row("large messages die in the tunnel", segment("tunnel"), both(largest("tunnel_line", 8000), ask_large),
        line("tunnel_line", "heal"), lasts=90, apart=frozenset({"cloudflare", "tunnel"})),

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
    Row("the uplink refuses", segment("wan"), lambda w: w.wan("cut"), lambda w: w.wan("heal")),
    Row("the uplink flaps", segment("wan"), flap(lambda w: w.wan("cut"), lambda w: w.wan("heal"), 3, 4, 6), lasts=5),
    Row("the resolver is gone", segment("dns"), part("resolver", "cut"), part("resolver", "heal"), lasts=150),

    # ---- servers
    Row("stall alice's server", segment("serve(alice)"), serve("alice", "stall"), serve("alice", "resume")),
    Row("stall bob's old server", segment("serve(bob)"), serve("bob", "stall"), serve("bob", "resume")),
    Row("stall carol's new server", segment("serve(carol)"), serve("carol", "stall"), serve("carol", "resume")),
    Row("kill alice's server", segment("serve(alice)"), crash_serve("alice"), start_serve("alice")),
    Row("restart alice's server", segment("serve(alice)"), restart_serve("alice"), lasts=5),
    Row("restart bob's old server", segment("serve(bob)"), restart_serve("bob"), lasts=5),
    Row("alice's server refuses", segment("serve(alice)"), serve("alice", "refuse"), serve("alice", "accept")),
    Row("alice's WebSockets are dead, her HTTP lives", segment("serve(alice)"), serve("alice", "mute"),
        lambda w: w.stubs["alice"].mute(False)),
    Row("silence towards alice's server, one direction", segment("serve(alice)"), stall_direction("alice", "up", "serve"),
        serve_line("alice", "heal")),
    Row("silence from alice's server, one direction", segment("serve(alice)"), stall_direction("alice", "down", "serve"),
        serve_line("alice", "heal")),
    Row("two servers stall", segment("serve(alice)") + segment("serve(bob)"),
        both(serve("alice", "stall"), serve("bob", "stall")), both(serve("alice", "resume"), serve("bob", "resume"))),

    # ---- last miles
    Row("cut alice's last mile", last_mile("alice"), mile("alice", "cut"), mile("alice", "heal")),
    Row("silence on alice's last mile", last_mile("alice"), mile("alice", "stall"), mile("alice", "heal")),
    Row("a hole of 9 s in bob's Wi-Fi", last_mile("bob"), mile("bob", "stall"), mile("bob", "heal"), lasts=9),
    Row("a hole of 12 s in alice's Wi-Fi", last_mile("alice"), mile("alice", "stall"), mile("alice", "heal"), lasts=12),
    Row("a hole of 25 s in carol's Wi-Fi", last_mile("carol"), mile("carol", "stall"), mile("carol", "heal"), lasts=25),
    Row("alice's last mile is silent upwards", last_mile("alice"), stall_direction("alice", "up"), mile("alice", "heal")),
    Row("alice's last mile is silent downwards", last_mile("alice"), stall_direction("alice", "down"), mile("alice", "heal")),
    Row("alice's last mile is slow under a large answer", last_mile("alice"),
        both(slow_line(lambda w: w.lines["alice"], bandwidth=20000), large_answer("alice", 3_000_000)),
        mile("alice", "heal"), lasts=60),
    Row("two last miles are cut", last_mile("alice", "bob"), both(mile("alice", "cut"), mile("bob", "cut")),
        both(mile("alice", "heal"), mile("bob", "heal"))),

    # ---- the machine itself
    Row("t3ops stands still for 30 s", segment("host"), lambda w: w.freeze(), lambda w: w.thaw(), lasts=30, blind=True),

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
    Row("sessions are wiped under open pages", begin=wipe_and_replace, lasts=40),
    Row("the prober's own way out is silent", begin=line("wan_line", "stall"), end=line("wan_line", "heal"), lasts=60),
    Row("the prober's own way to Traefik is cut", begin=line("inner_line", "cut"), end=line("inner_line", "heal"), lasts=60),
    Row("tabs are closed", needs=(reopen("alice"), reopen("carol")), begin=both(user("alice", "close"), user("carol", "close")),
        lasts=20),
    Row("browsers are killed", begin=both(user("alice", "crash"), user("carol", "crash")),
        end=both(reopen("alice"), reopen("carol"))),
    Row("alice closes her laptop for 3 minutes", begin=silent_laptop("alice"), end=open_laptop("alice"), lasts=180),
    Row("alice closes her laptop for 30 s", begin=shut_laptop("alice"), end=open_laptop("alice"), lasts=30),
    Row("bob's phone changes networks", begin=change_network("bob", "127.0.0.42"), lasts=130),
    Row("a hung page is reloaded", begin=reload_hung_page("alice"), lasts=20),
    Row("t3ops is reloaded", begin=lambda w: w.daemon.reload(), lasts=30),
    Row("t3ops is upgraded", begin=upgrade, lasts=30),
    Row("bob is taken out of the table", begin=without_user("bob"), end=with_user("bob")),
    Row("the SSO stands before the probe", begin=wall(True), end=wall(False)),
    Row("a server stalls for 4 s", begin=serve("alice", "stall"), end=serve("alice", "resume"), lasts=4),
]
