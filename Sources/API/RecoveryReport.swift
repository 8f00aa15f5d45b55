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
}
