import API
import ArgumentParser
import Foundation
import Server

// Bans that come from others, and go to them.

extension Bans {
  struct Peers: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Whose lists are heard, and how it is with each.")

    @OptionGroup var options: LookingOptions

    func run() throws {
      guard case .peers(let peers) = try options.ask(.peers) else { return }
      try options.show(
        peers,
        none: "No list of others is heard: sharing.peers of the server's settings names them.",
        columns: [
          ("PEER", { $0.name }), ("TRUST", { $0.trust }), ("LISTS", { "\($0.listings)" }),
          ("HEARD", { "\($0.sequence)" }), ("ANSWERED", { $0.answeredAt ?? "not yet" }),
          ("IGNORED", { "\($0.ignored)" }),
          ("STATE", { $0.complaint ?? $0.lastIgnored.map { "last ignored: \($0)" } ?? "" }),
        ])
    }
  }

  struct Identity: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "The key that this server signs its list with, for its peers' settings.")

    @OptionGroup var options: LookingOptions

    func run() throws {
      guard case .listIdentity(let identity) = try options.ask(.listIdentity) else { return }
      if options.json { return try JSONLine.print(identity) }
      print(identity.key)
    }
  }

  struct Import: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "import",
      abstract: "Bans what a plain list has, in place of what it had before.",
      discussion: """
        An address or a network a line, comments behind # or ;: Spamhaus DROP, FireHOL netsets, lists of fail2ban. \
        A mistake is named with its line, and nothing is changed then. Phones that are known, carriers and \
        platform.never_ban pass all the same. An empty list takes its bans away.
        """)

    @Argument(help: "The file; - for standard input.")
    var file: String

    @Option(help: "What the list is called; without it the name of the file.")
    var name: String?

    @Option(name: .customLong("for"), help: "How long it holds: 90s, 10m, 12h, 7d.")
    var time = "7d"

    @OptionGroup var options: LookingOptions

    func validate() throws {
      if Bans.seconds(time) == nil {
        throw ValidationError("--for: \"\(time)\" is no time. Write 90s, 10m, 12h or 7d.")
      }
      if file == "-", name == nil { throw ValidationError("--name: standard input has none.") }
    }

    func run() throws {
      let text =
        file == "-"
        ? String(
          decoding: try FileHandle.standardInput.read(upToCount: Self.mostBytes) ?? Data(),
          as: UTF8.self)
        : try Installation.text(ofFile: file)
      guard text.utf8.count < Self.mostBytes else {
        throw CommandFailure("\(file) is longer than \(Self.mostBytes) bytes: no list of networks.")
      }
      let own = URL(fileURLWithPath: file).deletingPathExtension().lastPathComponent
      try options.order(
        .importList(
          text: text, file: file == "-" ? "standard input" : file, name: name ?? own,
          seconds: Bans.seconds(time) ?? 0, by: Person.name))
    }

    private static let mostBytes = 16 * 1024 * 1024
  }

  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "What may be dropped by a firewall, in its own words.",
      discussion: """
        Networks that are banned here, by orders and offences and for what others list; none in which a phone of ours is \
        known, and no carrier.
        """)

    @Option(help: "plain, nft, ipset or csv.")
    var format = BanFormat.plain

    @OptionGroup var options: LookingOptions

    func run() throws {
      guard case .barred(let rows) = try options.ask(.barred) else { return }
      if options.json {
        for row in rows { try JSONLine.print(row) }
      } else {
        print(format.text(rows), terminator: "")
      }
    }
  }

  struct Forget: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract:
        "Forgets what a peer has said and hears its list anew, as after it was restored from a backup."
    )

    @Argument(help: "The name of the peer.")
    var name: String

    @OptionGroup var options: LookingOptions

    func run() throws { try options.order(.forgetPeer(name: name, by: Person.name)) }
  }
}

extension BanFormat: ExpressibleByArgument {}
