"""The dependency picture as Mermaid source, for wikis and merge requests that draw it themselves."""

from tasks.core.tickets.picture import COLOURS, RED
from tasks.core.tickets.waves import Graph
from tasks.core.tickets.wording import visible


def mermaid(graph: Graph) -> str:
    """A flowchart: a box per ticket, waves as frames, groups as colours, and what gave way as a dotted arrow."""
    names = {node.key: f"t{number}" for number, node in enumerate(graph.nodes, start=1)}
    in_cycle = {key for cycle in graph.cycles() for key in cycle}
    lines = ["flowchart TB"]
    for number, wave in enumerate(graph.waves(), start=1):
        lines.append(f'  subgraph wave{number}["Wave {number}"]')
        lines += [f'    {names[node.key]}["{_label(node.title)}"]:::{_class(node.group)}' for node in wave]
        lines.append("  end")
    lines += [f"  {names[to]} --> {names[ticket]}" for ticket, to in graph.edges]
    lines += [f"  {names[to]} -. gave way .-> {names[ticket]}" for ticket, to in graph.gave_way]
    lines += [
        f"  classDef {_class(group)} fill:{COLOURS[group][0]},stroke:{COLOURS[group][1]}"
        for group in dict.fromkeys(node.group for node in graph.nodes)
    ]
    if in_cycle:
        lines.append(f"  classDef cycle stroke:{RED},stroke-width:2px")
        lines.append(f"  class {','.join(names[key] for key in names if key in in_cycle)} cycle")
    return "\n".join(lines) + "\n"


def _class(group: str) -> str:
    return group.replace(" ", "")


def _label(title: str) -> str:
    """A title inside quotes: what Mermaid would read is written as its number."""
    return "".join(c if c.isalnum() or c in " .,:()-/" else f"#{ord(c)};" for c in visible(title))
