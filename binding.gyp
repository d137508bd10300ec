{
  "targets": [
    {
      "target_name": "talos",
      "sources": [
        "<!@(node native/unity.mjs build/unity core bind)"
      ],
      "include_dirs": [
        "<!@(node -p \"JSON.parse(fs.readFileSync('native/sources.json')).include_dirs.join(' ')\")"
      ],
      "defines": ["<!@(node -p \"JSON.parse(fs.readFileSync('native/sources.json')).defines.join(' ')\")"],
      "cflags_cc!": ["-std=gnu++17", "-std=gnu++20", "-std=c++17"],
      "cflags_cc": [
        "-isystem",
        "<!(node -p \"path.resolve(require('node-addon-api').include_dir)\")",
        "<!@(node -p \"JSON.parse(fs.readFileSync('native/sources.json')).cflags_cc.join(' ')\")"
      ],
      "ldflags": ["<!@(node -p \"JSON.parse(fs.readFileSync('native/sources.json')).ldflags.join(' ')\")"]
    }
  ]
}
