import API
import ArgumentParser
import Server

struct Recover: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What a lost or damaged journal takes with it, and going on without it.",
    discussion: """
      A database without the journal it followed is refused at the start, because what was spent would be \
      forgotten. Restoring the whole data folder from one backup is better. Without the flag it only tells.
      """)

  @OptionGroup var folder: DataOption
  @Flag(help: "Go on without the journal, and accept everything that is listed as lost.")
  var acceptLostJournal = false
  @Flag(help: "One JSON object instead of text.") var json = false

  func run() throws {
    let report = try Administration(existing: folder.data, bringsUp: true).recover(
      accepts: acceptLostJournal, by: Person.name)
    if json {
      try JSONLine.print(report)
    } else {
      print(report.text(folder: folder.data))
    }
    if report.complaint != nil, !report.accepted { throw ExitCode.failure }
  }
}
