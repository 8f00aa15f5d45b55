// swift-tools-version: 6.3
import PackageDescription

// The floors of the house, from the bottom up (ARCHITECTURE.md). A target may import what stands in
// its row and nothing else: `swift build --explicit-target-dependency-import-check error` holds it.

/// The program carries Swift's libraries in itself.
///
/// It runs where no toolchain is, and calls of retain and release, of which there are many, need no way through the linker's
/// tables. The group is what Foundation is made of; gold would warn of what that library itself calls.
let standalone =
  ["-static-stdlib", "-use-ld=lld", "-Xlinker", "--start-group"]
  + [
    "CoreFoundation", "Foundation", "FoundationEssentials", "FoundationInternationalization",
    "_FoundationCShims", "_FoundationCollections", "_FoundationICU",
  ].flatMap { ["-Xlinker", "-l\($0)"] } + ["-Xlinker", "--end-group"]

/// With MARTINET_FLOORS=core only the pure floors are in the package: nothing to fetch, builds in seconds.
let coreOnly = Context.environment["MARTINET_FLOORS"] == "core"

/// With MARTINET_FUZZ=1 there is the fuzzer besides, which links with its sanitizer only (Fuzzing/README.md).
let withFuzzer = Context.environment["MARTINET_FUZZ"] == "1"

let everywhere: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
  .enableUpcomingFeature("InferIsolatedConformances"),
  .treatAllWarnings(as: .error),
]
let belowTheLine: [SwiftSetting] = everywhere + [.strictMemorySafety()]

/// A target of floors 0 to 3: no clock, no socket, no thread, no Foundation.
func core(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .target(
    name: name, dependencies: (name == "Elements" ? [] : ["Elements"]) + dependencies,
    exclude: excludedFiles(of: name), swiftSettings: belowTheLine)
}

/// A target above the line.
func shell(
  _ name: String, _ dependencies: [Target.Dependency], embedded: [Resource] = []
) -> Target {
  .target(
    name: name, dependencies: ["Elements"] + dependencies, exclude: excludedFiles(of: name),
    resources: embedded, swiftSettings: everywhere)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.byName(name: name), "TestKit"] + (name == "Elements" ? [] : ["Elements"])
      + dependencies,
    swiftSettings: everywhere)
}

/// Some have a README of their own beside their sources (Scripts/tidy.py), and the store its schema.
func excludedFiles(of name: String) -> [String] {
  ["SIPSyntax", "SIP", "Limits", "Guard", "Relay", "Switch", "Simulator", "Store", "Net"]
    .contains(name) ? ["README.md"] + (name == "Store" ? ["schema.sql"] : []) : []
}

let coreTargets: [Target] = [
  // 0 words
  core("Elements", ["CSystemRandom"]),
  .systemLibrary(name: "CSystemRandom"),
  // 1 wire
  core("SIPSyntax"),
  core("SDP"),
  core("RTP"),
  core("Numbering", ["CNumberingData"]),
  .target(name: "CNumberingData", exclude: ["NOTICE"]),
  // 2 knowledge
  .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
  .systemLibrary(name: "CLibsrtp", pkgConfig: "libsrtp2", providers: [.apt(["libsrtp2-dev"])]),
  core("SIP", ["SIPSyntax", "CLibcrypto"]),
  core("SRTP", ["RTP", "CLibcrypto"]),
  core("Directory", ["Numbering"]),
  core("Limits", ["Numbering"]),
  core("Guard"),
  // 3 switching
  core("Relay", ["RTP", "SRTP"]),
  core(
    "Switch",
    [
      "SIPSyntax", "SIP", "SDP", "RTP", "SRTP", "Relay", "Directory", "Limits", "Guard",
      "Numbering",
    ]),
  // the other world: everything above, in virtual time
  core(
    "Simulator",
    [
      "SIPSyntax", "SIP", "SDP", "RTP", "Relay", "Directory", "Limits", "Guard", "Numbering",
      "Switch",
    ]),
  // test side
  .target(name: "TestKit", dependencies: ["Elements"], swiftSettings: everywhere),
]

/// Counts what the pure floors compute for one registration or call (Benchmarks/README.md).
let coreBenchmark = Target.executableTarget(
  name: "CoreBenchmark",
  dependencies: ["Elements", "SIP", "Relay", "Directory", "Limits", "Switch"],
  path: "Benchmarks/Core", swiftSettings: everywhere, linkerSettings: [.linkedLibrary("m")])

/// Reads what nobody would send (Fuzzing/README.md).
let fuzzer = Target.executableTarget(
  name: "Fuzzer",
  dependencies: [
    "Elements", "SIPSyntax", "SDP", "RTP", "Numbering", "SIP", "SRTP", "Directory", "Limits",
    "Relay", "Switch", "ConfigurationFiles",
  ],
  path: "Fuzzing", exclude: ["README.md", "run", "seeds.py"], swiftSettings: everywhere)

/// Tests of the pure floors, which need no library: built and run by themselves, in a debug build.
let coreTests: [Target] = [
  tests("Elements"),
  tests("SIPSyntax"),
  tests("SDP"),
  tests("RTP"),
  tests("Numbering"),
  tests("SIP", ["SIPSyntax"]),
  tests("SRTP", ["RTP", "CLibsrtp"]),
  tests("Directory", ["Numbering"]),
  tests("Limits", ["Numbering"]),
  tests("Guard"),
  tests("Relay", ["RTP", "SRTP"]),
  tests(
    "Switch",
    [
      "SIPSyntax", "SIP", "SDP", "RTP", "SRTP", "Relay", "Directory", "Limits", "Guard",
      "Numbering",
    ]),
  tests("Simulator"),
]

let nio = "swift-nio"
let shellTargets: [Target] = [
  // 4 services
  shell(
    "ConfigurationFiles",
    [
      "Directory", "Limits", "Numbering", "SIP",
      .product(name: "Yams", package: "Yams"),
    ],
    embedded: [.embedInCode("Passwords/words.txt")]),
  shell(
    "Store",
    [
      "Switch", "SIP", "Directory", "Limits", "Guard", "Numbering",
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "GRDBSQLite", package: "GRDB.swift"),
      .product(name: "Crypto", package: "swift-crypto"),
    ],
    embedded: [
      .embedInCode("Migrations/0001_foundation.sql"), .embedInCode("Migrations/0002_payments.sql"),
      .embedInCode("Migrations/0003_booked_payments.sql"),
      .embedInCode("Migrations/0004_answered_legs.sql"),
      .embedInCode("Migrations/0005_seen_extensions.sql"),
      .embedInCode("Migrations/0006_shared_list.sql"),
    ]),
  // 5 doors
  .target(name: "CLinuxSockets"),
  shell(
    "Net",
    [
      "Guard", "Switch", "SIP", "SIPSyntax", "Relay", "CLinuxSockets",
      .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
      .product(name: "NIOTLS", package: nio), .product(name: "NIOHTTP1", package: nio),
      .product(name: "NIOWebSocket", package: nio),
      .product(name: "NIOSSL", package: "swift-nio-ssl"),
      .product(name: "X509", package: "swift-certificates"),
      .product(name: "SwiftASN1", package: "swift-asn1"),
      .product(name: "Crypto", package: "swift-crypto"),
    ]),
  .systemLibrary(
    name: "CLibcurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
  .target(name: "CCurlShim", dependencies: ["CLibcurl"]),
  shell(
    "Notices",
    ["Store", "Directory", "CCurlShim", .product(name: "Crypto", package: "swift-crypto")]),
  shell(
    "Sharing",
    ["Guard", "Store", "CCurlShim", .product(name: "Crypto", package: "swift-crypto")]),
  shell(
    "ACME",
    [
      "Guard", "CCurlShim", .product(name: "NIOCore", package: nio),
      .product(name: "NIOPosix", package: nio),
      .product(name: "X509", package: "swift-certificates"),
      .product(name: "SwiftASN1", package: "swift-asn1"),
      .product(name: "Crypto", package: "swift-crypto"),
    ]),
  shell("API", []),
  // 6 roof
  shell(
    "Server",
    [
      "SIPSyntax", "SIP", "SDP", "Relay", "Directory", "Limits", "Guard", "Numbering", "Switch",
      "ConfigurationFiles", "Store", "Net", "Notices", "Sharing", "ACME", "API",
      .product(name: "NIOCore", package: nio), .product(name: "NIOPosix", package: nio),
      .product(name: "Hummingbird", package: "hummingbird"),
      .product(name: "HummingbirdCore", package: "hummingbird"),
      .product(name: "Yams", package: "Yams"),
      .product(name: "Logging", package: "swift-log"),
      .product(name: "Crypto", package: "swift-crypto"),
      .product(name: "ServiceLifecycle", package: "swift-service-lifecycle"),
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ]),
  shell(
    "Demo",
    [
      "SIPSyntax", "SIP", "SDP", "RTP", "Net", "API", "Server",
      .product(name: "UnixSignals", package: "swift-service-lifecycle"),
    ]),
  .executableTarget(
    name: "martinet",
    dependencies: [
      "Elements", "API", "Server", "Demo", "Simulator", "Guard", "Numbering",
      .product(name: "ArgumentParser", package: "swift-argument-parser"),
    ],
    swiftSettings: everywhere,
    linkerSettings: [.unsafeFlags(standalone, .when(platforms: [.linux]))]),
  // Counts what a call costs behind the signalling lane (Benchmarks/README.md).
  .executableTarget(
    name: "StoreBenchmark", dependencies: ["Elements", "Limits", "Switch", "Store"],
    path: "Benchmarks/Store", swiftSettings: everywhere),
  tests(
    "Store",
    ["Switch", "SIP", "Directory", "Limits", .product(name: "GRDB", package: "GRDB.swift")]),
  tests("Net", ["SIP", "SIPSyntax", "Relay", "Switch", "Directory"]),
  tests(
    "Sharing", ["Guard", "Store", .product(name: "Crypto", package: "swift-crypto")]),
  tests(
    "Notices", ["Store", "Directory", .product(name: "Crypto", package: "swift-crypto")]),
  tests("ACME", [.product(name: "Crypto", package: "swift-crypto")]),
  tests(
    "Server",
    [
      "ACME", "API", "ConfigurationFiles", "Directory", "Guard", "Limits", "Net", "Numbering",
      "SIP", "Sharing", "Store", "Switch",
      .product(name: "GRDB", package: "GRDB.swift"),
      .product(name: "Logging", package: "swift-log"),
    ]),
  tests("Demo"),
]

let package = Package(
  name: "martinet",
  platforms: [.macOS(.v15)],
  products: coreOnly ? [] : [.executable(name: "martinet", targets: ["martinet"])],
  dependencies: coreOnly
    ? []
    : [
      .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
      .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
      .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
      .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
      .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
      .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
      .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
      .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
      .package(
        url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
      .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
      .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    ],
  targets: coreTargets + (coreOnly ? coreTests + [coreBenchmark] : shellTargets)
    + (withFuzzer ? [fuzzer] : []),
  swiftLanguageModes: [.v6],
  cLanguageStandard: .gnu11
)
