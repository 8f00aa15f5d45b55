import ArgumentParser
import Demo
import Foundation

struct ShowTheft: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "demo",
    abstract: "A stolen account, a thief, a carrier and its bill, in front of you.",
    discussion: """
      Needs no rights, no settings and no network: all of it runs on 127.0.0.1, in a temporary folder, \
      for about a minute. Ends with status 1 when a promise was broken.
      """)

  @Flag(help: "The story goes to standard error; standard output gets one JSON object at the end.")
  var json = false

  func run() async throws {
    let outcome = await Demonstration.play(to: json ? .standardError : .standardOutput)
    switch outcome {
    case .kept(let report), .broken(let report):
      if json { try JSONLine.print(report) }
      if case .broken = outcome { throw ExitCode.failure }
    case .failed: throw ExitCode.failure
    // As a shell reports a program that SIGINT has ended.
    case .interrupted: throw ExitCode(130)
    }
  }
}

/// One of the demo's own processes.
struct PlayAgent: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "agent", abstract: "A process of the demo.", shouldDisplay: false)

  @Argument(help: "Its name, for the list of processes.") var name: String

  func run() async throws {
    try await Agent.run()
  }
}
