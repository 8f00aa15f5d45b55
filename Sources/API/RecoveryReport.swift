/// What `martinet recover` found, or did.
package struct RecoveryReport: Codable, Sendable {
  /// Why the server does not start; nil when journal and database belong together.
  package var complaint: String?
  /// What is lost with the journal, one line each.
  package var lost: [String]
  /// Whether the loss was accepted by this command.
  package var accepted: Bool
  /// Where the old journal was put.
  package var aside: String?

  package init(complaint: String?, lost: [String], accepted: Bool, aside: String?) {
    (self.complaint, self.lost, self.accepted, self.aside) = (complaint, lost, accepted, aside)
  }

  /// For a terminal; `folder` is the data folder, for the command that comes next.
  package func text(folder: String) -> String {
    guard let complaint else {
      return "Journal and database belong together: nothing is lost, and nothing was changed."
    }
    var lines = [complaint, ""]
    lines += [accepted ? "It was given up. Lost are:" : "Going on without it would lose:", ""]
    lines += lost.map { "  - \($0)" } + [""]
    if accepted {
      if let aside { lines.append("The old journal is in \(aside).") }
      lines.append("The server can be started.")
    } else {
      lines.append(
        "To accept that: martinet recover --accept-lost-journal --data \(folder)")
    }
    return lines.joined(separator: "\n")
  }
}
