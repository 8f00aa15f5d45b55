/// What an agent saw: one JSON object on a line of its standard output.
enum AgentReport: Codable, Sendable {
  /// It has its port and takes what comes.
  case ready(port: UInt16)
  case registered
  case answered(call: Int, with: String, isIncoming: Bool)
  /// Refused by a final response, or failed without one (status 0).
  case refused(call: Int, status: Int, words: String)
  /// A tone was heard for the first time in this call.
  case heard(call: Int, hertz: Int)
  case ended(call: Int, byPeer: Bool, words: String, talkMilliseconds: Int64)
  case bill(CarrierBill)
  case mail(Letter)
  case failed(String)
}

/// A report with its moment: milliseconds since 1970, by the clock that all processes share.
struct AgentLine: Codable, Sendable {
  var at: Int64
  var report: AgentReport
}
