import Elements

/// Why an authority gave no certificate.
package enum AuthorityError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No answer, or none that is HTTP over a TLS that we believe.
  case unreachable(url: String, reason: String)
  /// It said no (RFC 7807).
  case refused(Problem)
  /// It looked for our answer to its challenge and did not find it.
  case unproven(name: String, Problem?)
  /// What it says is no ACME, or not what was asked for.
  case nonsense(String)
  /// It did not come to an end in time.
  case late(String)
  case accountNeeded
  /// We end.
  case calledOff

  /// An authority's own words, made inert.
  package struct Problem: Hashable, Sendable {
    /// "urn:ietf:params:acme:error:" is left out (RFC 8555 §6.7).
    package let type: String
    package let detail: String

    /// At most so much of its words.
    private static let longest = 400

    init(type: String?, detail: String?) {
      let prefix = "urn:ietf:params:acme:error:"
      let type = type ?? "about:blank"
      self.type = Self.short(type.hasPrefix(prefix) ? String(type.dropFirst(prefix.count)) : type)
      self.detail = Self.short(detail ?? "no reason given")
    }

    private static func short(_ text: String) -> String {
      String(String.UnicodeScalarView(text.unicodeScalars.prefix(longest))).inert
    }
  }

  package var description: String {
    switch self {
    case .unreachable(let url, let reason):
      "\(url.inert) cannot be asked: \(reason.inert). Check acme_directory and the way there; an authority of your own goes into tls_authorities."
    case .refused(let problem):
      "the authority refuses (\(problem.type)): \(problem.detail)"
    case .unproven(let name, let problem):
      """
      the authority does not reach \(name) on port 80\(problem.map { " (\($0.type): \($0.detail))" } ?? ""). \
      Check that the name leads to this machine and that port 80 is open and leads to acme_http.
      """
    case .nonsense(let what):
      "the authority's answer is not what RFC 8555 says: \(what.inert)"
    case .late(let what):
      "the authority did not finish in time: \(what.inert)"
    case .calledOff: "it was called off"
    case .accountNeeded:
      "the authority wants an account that was opened with it before (external account binding), which is not supported. Choose another acme_directory."
    }
  }
}
