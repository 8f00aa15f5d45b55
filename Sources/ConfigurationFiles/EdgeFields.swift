import Directory

/// Reads `edge` of the platform.
enum EdgeReader {
  static func read(_ field: Field?) -> EdgeEntry? {
    guard let mapping = field?.mapping(ConfigurationKeys.edge) else { return nil }
    var edge = EdgeEntry()
    edge.wrongUsers = mapping.wholeNumber("wrong_users")
    edge.wrongPasswords = mapping.wholeNumber("wrong_passwords")
    edge.probes = mapping.wholeNumber("probes")
    edge.banSeconds = mapping["ban_seconds"]?.list().compactMap { $0.wholeNumber() }
    edge.strangersPerSecond = mapping.wholeNumber("strangers_per_second")
    edge.callsPerSecond = mapping.wholeNumber("calls_per_second")
    edge.knownHours = mapping.wholeNumber("known_hours")
    return edge == EdgeEntry() ? nil : edge
  }
}

/// Writes it.
enum EdgeWriter {
  static func node(_ edge: EdgeEntry?) -> NodeBuilder {
    var node = NodeBuilder()
    node.add("wrong_users", number: edge?.wrongUsers)
    node.add("wrong_passwords", number: edge?.wrongPasswords)
    node.add("probes", number: edge?.probes)
    node.add("ban_seconds", numbers: edge?.banSeconds ?? [])
    node.add("strangers_per_second", number: edge?.strangersPerSecond)
    node.add("calls_per_second", number: edge?.callsPerSecond)
    node.add("known_hours", number: edge?.knownHours)
    return node
  }
}
