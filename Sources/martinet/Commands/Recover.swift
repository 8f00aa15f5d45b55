import API
import ArgumentParser
import Server

struct Recover: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a lost or damaged journal takes with it, and going on without it.",
    discussion: """
      A database without the journal it followed is refused at the start, because what was spent would be \
      forgotten. Restoring the whole data folder from one backup is better. Without the flag nothing is changed.
      """)

  @OptionGroup var folder: DataOption
  @Flag(help: "Go on without the journal, and accept everything that is listed as lost.")
  var acceptLostJournal = false
  @Flag(help: "One JSON object instead of text.") var json = false

  func run() throws {
    let report = try Administration(dataFolder: folder.data).recover(
      accepts: acceptLostJournal, by: Person.name)
    if json {
      try JSONLine.print(report)
    } else {
      show(report)
    }
    if report.complaint != nil, !report.accepted { throw ExitCode.failure }
  }

  private func show(_ report: RecoveryReport) {
    guard let complaint = report.complaint else {
      print("Journal and database belong together: nothing is lost, and nothing was changed.")
      return
    }
    print(complaint)
    print(
      report.accepted ? "\nIt was given up. Lost are:\n" : "\nGoing on without it would lose:\n")
    for line in report.lost { print("  - \(line)") }
    guard report.accepted else {
      print("\nTo accept that: martinet recover --accept-lost-journal --data \(folder.data)")
      return
    }
    if let aside = report.aside { print("\nThe old journal is in \(aside).") }
    print("The server can be started.")
  }
}
