def find_conflicts(graph, channels):
    return []
