/// What the director tells one of its agents: one JSON object on a line of the agent's standard input.
///
/// The end of that input ends the agent, so that none outlives the demo, however it ends.
enum AgentOrder: Codable, Sendable {
  /// What it is to be: the first order, given once.
  case play(AgentRole)
  /// Where the server is, for who started before it: its UDP port on 127.0.0.1.
  case meet(server: UInt16)
  /// Calls a number so many times, spread evenly over a time.
  case call(to: String, times: Int, overMilliseconds: Int)
  /// Ends all calls.
  case hangUp
  /// Writes the bill of what was carried so far.
  case bill
}

/// Who an agent is.
enum AgentRole: Codable, Sendable {
  case phone(PhoneSettings)
  case carrier(PhoneSettings, [CarrierPrice])
  case mailServer
  /// The server itself: data folder and the ports for media, "FROM-TO".
  case server(dataFolder: String, rtp: String)
}

/// A phone's account and what it does by itself.
struct PhoneSettings: Codable, Sendable {
  var user: String
  /// Domain of the account, which is the realm of its password.
  var domain: String
  /// Empty: it answers no challenge.
  var password = ""
  /// UDP port of the server on 127.0.0.1; 0: not known yet.
  var server: UInt16 = 0
  var registers = false
  /// The tone it speaks with, a multiple of 50 Hz, so that who hears it knows who speaks.
  var hertz: Int
}
