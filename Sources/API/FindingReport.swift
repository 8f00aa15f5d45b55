/// One thing that `martinet doctor` looked at.
package struct FindingReport: Codable, Sendable {
  /// "ok", "warning" or "problem".
  package var verdict: Verdict
  /// What was looked at, such as "data folder".
  package var subject: String
  package var finding: String
  /// How to mend it; nil where nothing is wrong.
  package var wayOut: String?

  /// How bad it is.
  package enum Verdict: String, Codable, Sendable {
    case ok, warning, problem
  }

  package init(_ verdict: Verdict, _ subject: String, _ finding: String, wayOut: String? = nil) {
    (self.verdict, self.subject, self.finding) = (verdict, subject, finding)
    self.wayOut = wayOut
  }

  enum CodingKeys: String, CodingKey {
    case verdict, subject, finding
    case wayOut = "way_out"
  }
}
