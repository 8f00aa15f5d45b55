import ConfigurationFiles
import Elements
import Logging
import Notices
import Sharing
import Store
import Switch

/// Writes the switch's decision lines to the log, one line each, as key=value pairs.
struct DecisionLog: Sendable {
  private let logger: Logger

  init(level: String) throws(ConfigurationError) {
    guard let level = Logger.Level(rawValue: level) else {
      throw ConfigurationError(
        field: "log_level", problem: "\"\(level)\" is not a level",
        wayOut: "Write debug, info, warning or error.")
    }
    var logger = Logger(label: "martinet") { StreamLogHandler.standardError(label: $0) }
    logger.logLevel = level
    self.logger = logger
  }

  /// For the services beside the switch.
  var services: Logger { logger }

  func write(_ line: LogLine) {
    var metadata: Logger.Metadata = [:]
    if let call = line.call { metadata["call"] = "\(call)" }
    if let tenant = line.tenant { metadata["tenant"] = "\(tenant)" }
    // A peer's text stays on its line, whatever it holds (A46).
    for fact in line.facts { metadata[fact.name] = .string(fact.value.inert) }
    logger.log(level: Self.level(line.level), "\(line.event)", metadata: metadata)
  }

  private static func level(_ level: LogLine.Level) -> Logger.Level {
    switch level {
    case .debug: .debug
    case .info: .info
    case .warning: .warning
    case .error: .error
    }
  }
}

extension DecisionLog {
  /// What became of an alert.
  func write(_ report: OutboxReport) {
    switch report {
    case .delivered(let key, let attempts):
      services.info(
        "alert delivered",
        metadata: ["channel": "\(key.recipient.channel)", "failures": "\(attempts)"])
    case .failed(let key, let attempts, let error):
      services.warning(
        "alert not delivered, it is tried again",
        metadata: [
          "channel": "\(key.recipient.channel)", "failures": "\(attempts)",
          "error": .string(error.inert),
        ])
    case .overdue(let alert, let recipient, let age, let error):
      services.critical(
        "somebody should know and does not",
        metadata: [
          "kind": "\(alert.kind)", "channel": "\(recipient.channel)",
          "age_s": "\(age.components.seconds)", "error": .string(error.inert),
        ])
    case .nobodyToTell(let kind):
      services.critical(
        "nobody is configured to be told: add notices.mail to the tenant or the platform",
        metadata: ["kind": "\(kind)"])
    case .storeFailed(let reason):
      services.error("the outbox cannot be read", metadata: ["reason": .string(reason.inert)])
    }
  }
}

extension DecisionLog {
  /// How it goes with what others list; their words stay on their line.
  func write(_ report: SharingReport) {
    switch report {
    case .complaint(let peer, let words):
      services.warning(
        "a peer's list is not heard, it is tried again",
        metadata: ["peer": "\(peer)", "reason": .string(words.inert)])
    case .recovered(let peer):
      services.notice("a peer's list is heard again", metadata: ["peer": "\(peer)"])
    case .suspicious(let peer, let words, let count):
      services.warning(
        "a peer's listing was not taken",
        metadata: [
          "peer": "\(peer)", "reason": .string(words.inert), "listings": "\(count)",
        ])
    case .untold(let count):
      services.warning(
        "others are not told of all bans: there are too many", metadata: ["bans": "\(count)"])
    case .failed(let reason):
      services.error(
        "the shared list cannot be written, it is tried again",
        metadata: ["reason": .string(reason.inert)])
    }
  }
}
