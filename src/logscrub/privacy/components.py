"""Connected components of a graph, with as many loops as its number of nodes has bits."""

import numpy as np
import numpy.typing as npt

Positions = npt.NDArray[np.int64]


def connected_components(count: int, left: Positions, right: Positions) -> Positions:
    """Component of each node of an undirected graph, by Borůvka's rounds.

    In each round every component that still has an edge joins its lowest neighbour, so their number at least
    halves, and a million nodes take 20 rounds at most, whatever their shape. The cycles are of length two: on
    a longer one v, w, x, … w chose x over v, so x < v, and going round each would be below itself.

    Args:
        count: number of nodes, which are 0 to count - 1.
        left: one end of each edge.
        right: the other end.

    Returns:
        int64, a node that stands for the component, equal for all nodes of it.
    """
    component = np.arange(count, dtype=np.int64)
    while len(left):
        lowest = np.full(count, count, np.int64)
        np.minimum.at(lowest, left, right)
        np.minimum.at(lowest, right, left)
        parent = np.where(lowest < count, lowest, np.arange(count))
        mutual = (parent[parent] == np.arange(count)) & (parent > np.arange(count))
        parent[mutual] = np.flatnonzero(mutual)
        while not np.array_equal(grandparent := parent[parent], parent):
            parent = grandparent
        component = parent[component]
        left, right = parent[left], parent[right]
        apart = left != right
        left, right = left[apart], right[apart]
    return component
