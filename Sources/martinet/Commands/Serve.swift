import API
import ArgumentParser
import Server

/// The settings that the command line may give; each wins over the file.
struct ServerOptions: ParsableArguments {
  @Option(help: "YAML file with the settings of this server.") var config: String?
  @Option(help: "Folder with the database, the journal and the keys.") var data: String?
  @Option(
    help: "Where to take SIP: HOST:PORT, several with commas between; wss:HOST:PORT for WebSocket.")
  var sip: String?
  @Option(help: "Where to answer /health and /metrics: HOST:PORT.") var http: String?
  @Option(help: "Ports for media: FROM-TO.") var rtp: String?
  @Option(help: "Threads that relay media; 0: the signalling thread does.") var mediaLanes: String?
  @Option(help: "debug, info, warning or error.") var logLevel: String?
  @Option(help: "Folder with certificate.pem and key.pem.") var tlsFolder: String?
  @Option(help: "PEM file of authorities whose carriers are believed, beside the system's.")
  var tlsAuthorities: String?

  @Option(help: "Pages that may connect by WebSocket: https://HOST, several with commas between.")
  var websocketOrigins: String?
  @Option(help: "Authority to get certificates from (ACME): the https address of its directory.")
  var acmeDirectory: String?
  @Option(
    help: "Host names to get a certificate for, with commas between; the first is the standard one."
  )
  var acmeNames: String?
  @Option(help: "Mail address that the authority may write to.") var acmeContact: String?
  @Option(help: "Where the authority finds the answers to its challenges: HOST:PORT.")
  var acmeHttp: String?

  @Option(help: "Whether the kernel drops what is banned: auto, on or off.") var firewall: String?

  func configuration() throws -> Configuration {
    var configuration = Configuration()
    if let config { try configuration.read(file: config) }
    let given: [(String, String?)] = [
      ("data", data), ("sip", sip), ("http", http), ("rtp", rtp), ("media_lanes", mediaLanes),
      ("log_level", logLevel), ("tls_folder", tlsFolder), ("tls_authorities", tlsAuthorities),
      ("acme_directory", acmeDirectory), ("acme_names", acmeNames), ("acme_contact", acmeContact),
      ("acme_http", acmeHttp), ("websocket_origins", websocketOrigins), ("firewall", firewall),
    ]
    for (key, text) in given {
      guard let text else { continue }
      try configuration.set(key, to: text)
    }
    if configuration.listeners.isEmpty {
      configuration.listeners = try Configuration.everyAddress()
    }
    return configuration
  }
}

struct Serve: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "The server; without settings, on ./data and every address of the machine.")

  @OptionGroup var options: ServerOptions

  func run() async throws {
    try await Serving.serve(try options.configuration())
  }
}

struct Doctor: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "What is wrong with this installation and how to mend it.")

  @OptionGroup var options: ServerOptions
  @Flag(help: "One JSON object per line instead of text.") var json = false

  func run() throws {
    let findings = Server.Doctor(try options.configuration()).examine()
    for finding in findings {
      if json {
        try JSONLine.print(finding)
      } else {
        print("\(finding.verdict.rawValue.uppercased())  \(finding.subject): \(finding.finding)")
        if let wayOut = finding.wayOut { print("    → \(wayOut)") }
      }
    }
    if findings.contains(where: { $0.verdict == .problem }) { throw ExitCode.failure }
  }
}
