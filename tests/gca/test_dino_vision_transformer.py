import torch
from torchvision.models import VisionTransformer as TorchvisionViT

from lcv_mm.gca import DINOVisionTransformer

ARCH = dict(embed_dims=12, num_layers=3, num_heads=3, feedforward_channels=24)
SETTINGS = dict(arch=ARCH, img_size=32, patch_size=16, out_type='cls_token')


def in_dino_names(model: TorchvisionViT) -> dict[str, torch.Tensor]:
    """Torchvision's weights under the names of DINO's file."""
    parts = {
        'class_token': 'cls_token',
        'encoder.pos_embedding': 'pos_embed',
        'conv_proj': 'patch_embed.proj',
        'encoder.ln': 'norm',
        'ln_1': 'norm1',
        'ln_2': 'norm2',
        'self_attention.in_proj_': 'attn.qkv.',
        'self_attention.out_proj': 'attn.proj',
        'mlp.0': 'mlp.fc1',
        'mlp.3': 'mlp.fc2',
    }
    renamed = {}
    for name, value in model.state_dict().items():
        name = name.replace('encoder.layers.encoder_layer_', 'blocks.')
        for theirs, dino in parts.items():
            name = name.replace(theirs, dino)
        renamed[name] = value
    return renamed


def test_a_file_of_dino_gives_the_features_of_torchvisions_transformer(tmp_path):
    theirs = TorchvisionViT(32, 16, num_layers=3, num_heads=3, hidden_dim=12, mlp_dim=24).eval()
    theirs.heads = torch.nn.Identity()
    for param in theirs.parameters():
        torch.nn.init.normal_(param, std=0.3)
    weights = in_dino_names(theirs)
    assert {'blocks.2.norm1.weight', 'blocks.0.attn.qkv.weight', 'blocks.1.mlp.fc2.bias', 'norm.bias'} <= weights.keys()
    torch.save(weights, tmp_path / 'dino.pth')
    model = DINOVisionTransformer(**SETTINGS, init_cfg=dict(type='Pretrained', checkpoint=str(tmp_path / 'dino.pth')))
    model.init_weights()
    images = torch.randn(2, 3, 32, 32)
    model.eval()  # MMPretrain's returns None
    torch.testing.assert_close(model(images)[-1], theirs(images), rtol=1e-4, atol=1e-4)
