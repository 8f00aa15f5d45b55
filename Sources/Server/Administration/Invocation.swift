import Foundation

/// What a person types to run this program, for sentences that say what to type next.
enum Invocation {
  /// `./run` says that it was `./run`.
  static var name: String {
    ProcessInfo.processInfo.environment["MARTINET_COMMAND"] ?? "martinet"
  }
}
