import ArgumentParser
import Server

@main
struct Martinet: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "martinet",
    abstract: "The business telephone system that cannot be robbed.",
    version: Version.text,
    subcommands: [
      Serve.self, Apply.self, Export.self, Calls.self, Registrations.self, Trunks.self,
      Limits.self, Bans.self, Records.self, Changes.self, Status.self, Doctor.self, Audit.self,
      ShowTheft.self,
      PlayAgent.self,
      Simulate.self,
      Recover.self,
    ])
}
