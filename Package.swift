// swift-tools-version: 6.2
import PackageDescription

// The manifest is the picture of the architecture. Read from top to bottom, every target depends only on targets above it.

let package = Package(
    name: "bedrot-ledger",
    products: [
        .executable(name: "bedrot", targets: ["bedrot"])
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
        .package(url: "https://github.com/apple/swift-crypto", exact: "4.5.2"),
        .package(url: "https://github.com/groue/GRDB.swift", exact: "7.10.0"),
        .package(url: "https://github.com/jpsim/Yams", exact: "6.2.2"),
    ],
    targets: [
        // C libraries of the system: headers, link names and inline shims, nothing else.
        .systemLibrary(name: "CLMDB", pkgConfig: "lmdb", providers: [.apt(["liblmdb-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // 64-byte scanning as inline C: what Swift's SIMD types cannot say as cheaply.
        .target(name: "CScan"),

        // The append-only log: LMDB, canonical JSON, hash chain, object store. Knows nothing of music, zones or SQL.
        .target(
            name: "EventLog",
            dependencies: ["CLMDB", .product(name: "Crypto", package: "swift-crypto")],
            swiftSettings: leaf + hot),

        // Bytes to typed rows under a contract. Knows nothing of files, events or SQL.
        .target(
            name: "Cleaning",
            dependencies: ["CScan", "CZlib", .product(name: "Yams", package: "Yams")],
            swiftSettings: leaf + hot),

        // Replay: events to SQLite generations, versions, curated files, KPI snapshots, digests.
        .target(
            name: "Projection",
            dependencies: [
                "EventLog", "Cleaning",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "GRDBSQLite", package: "GRDB.swift"),
                .product(name: "Yams", package: "Yams"),
            ],
            // The merge state lives in classes; its inner loops are checked in debug and sanitizer builds, not in release.
            swiftSettings: hot + [.unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release))]),

        // The one façade: domain events, zones, use cases. Knows nothing of terminals.
        .target(
            name: "Ledger",
            dependencies: [
                "Projection", "EventLog", "Cleaning",
                .product(name: "GRDB", package: "GRDB.swift"),
                .product(name: "Crypto", package: "swift-crypto"),
            ]),

        // Made-up lakes, random histories and a brute-force fold to test against.
        .target(name: "LedgerTesting", dependencies: ["Projection", "EventLog", "Cleaning"]),

        // The command line: commands, output, exit codes. Of the modules behind the façade it knows the types of the answers only.
        .executableTarget(
            name: "bedrot",
            dependencies: [
                "Ledger", "LedgerTesting", "Projection", "EventLog", "Cleaning",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ]),

        .testTarget(name: "EventLogTests", dependencies: ["EventLog"]),
        .testTarget(name: "CleaningTests", dependencies: ["Cleaning", "CZlib"], resources: [.copy("Fixtures")]),
        .testTarget(name: "ProjectionTests", dependencies: ["LedgerTesting", "Projection", "EventLog", "Cleaning"]),
        .testTarget(name: "LedgerTests", dependencies: ["LedgerTesting", "Ledger", "Projection", "EventLog", "Cleaning"]),
        .testTarget(
            name: "BedrotTests",
            dependencies: ["LedgerTesting", "Ledger", "Projection", "Cleaning", "EventLog", "bedrot"],
            exclude: ["Catalogue", "Dimensions", "Explained", "KPIs"]),
        .testTarget(name: "TidyTests"),
    ],
    swiftLanguageModes: [.v6]
)

/// Extra settings of the targets that touch C memory.
var leaf: [SwiftSetting] {
    [
        // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0458-strict-memory-safety.md
        .strictMemorySafety(),
        // `@_lifetime` on borrowed spans; the syntax is still experimental in 6.3.
        .enableExperimentalFeature("Lifetimes"),
    ]
}

/// What every byte goes through is optimised in debug builds too, with all its checks: the tests take 17 minutes, not 25.
var hot: [SwiftSetting] { [.unsafeFlags(["-O"], .when(configuration: .debug))] }

// What `ops/fuzz` builds, apart from everything else: libFuzzer brings the entry point.
if Context.environment["BEDROT_FUZZ"] != nil {
    package.targets.append(
        .executableTarget(name: "fuzz", dependencies: ["EventLog", "Cleaning"], path: "Tests/Fuzzing", exclude: ["Corpus", "Zones"]))
}

for target in package.targets where target.type != .system {
    target.swiftSettings =
        (target.swiftSettings ?? []) + [
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0480-swiftpm-warning-control.md
            .treatAllWarnings(as: .error),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0335-existential-any.md
            .enableUpcomingFeature("ExistentialAny"),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0444-member-import-visibility.md
            .enableUpcomingFeature("MemberImportVisibility"),
            // https://github.com/swiftlang/swift-evolution/blob/main/proposals/0409-access-level-on-imports.md
            .enableUpcomingFeature("InternalImportsByDefault"),
        ]
}
